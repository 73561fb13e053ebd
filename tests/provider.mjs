// A certified OpenID provider for one test: invented people sign in by name, for the pages of our service at `base`.
// What it says of them stands in the id_token, or, with `claims` "access", in an access token for our service alone.
import { createRequire } from 'node:module'
import http from 'node:http'

const require = createRequire(`${process.env.CLIENTS}/`)
const { default: Provider } = await import(require.resolve('oidc-provider'))
const { audience, base, claims, key } = JSON.parse(process.argv[2])

const people = {
  karen: { name: 'Karen Test Lund', role: 'clinic', organization: 'Organization/clinic-own', fhirUser: 'PractitionerRole/sygeplejerske-own' },
  birthe: { name: 'Birthe Test Nielsen', role: 'patient', fhirUser: 'Patient/birthe' },
  ole: { name: 'Ole Test Vinther' },
  system: { name: 'System Test', role: 'lps', organization: 'Organization/clinic-own' },
}
const said = ['name', 'role', 'organization', 'fhirUser']

const client = (id, more) => ({
  client_id: id,
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [`${base}/log-ind/svar`],
  post_logout_redirect_uris: [`${base}/`],
  ...more,
})
const clients = [
  client('pages', { client_secret: 'pages-secret-that-is-long-enough-for-a-test' }),
  client('other', { client_secret: 'other-secret-that-is-long-enough-for-a-test' }),
  client('keyed', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key] } }),
]

const server = http.createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients,
    claims: { openid: ['sub', ...(claims === 'access' ? ['name'] : said)] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    // nobody is asked whether this service may know them
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid')
      grant.addResourceScope(audience, 'pages')
      await grant.save()
      return grant
    },
    features: {
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'pages', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    extraTokenClaims: (ctx, token) => Object.fromEntries(said.slice(1).map((name) => [name, people[token.accountId]?.[name]])),
  })
  server.on('request', provider.callback())
  process.stdout.write(`${issuer}\n`)
})
