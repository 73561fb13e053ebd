// A certified OpenID provider for one test: system clients of two clinics, access tokens as JWT for our service.
import { createRequire } from 'node:module'
import http from 'node:http'

const require = createRequire(`${process.env.CLIENTS}/`)
const { default: Provider } = await import(require.resolve('oidc-provider'))
const audience = process.argv[2]

const system = (id, organization, scope) => ({
  client_id: id,
  client_secret: `${id}-secret-that-is-long-enough-for-a-test`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope,
  'urn:organization': organization,
})

const clients = [
  system('lps-nord', 'Organization/laegehuset-test', 'system/Observation.crus system/Patient.rs'),
  system('lps-syd', 'Organization/laegehuset-syd', 'system/Observation.crus system/Patient.rs'),
]
const scopes = 'system/Observation.crus system/Patient.rs'

const server = http.createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients,
    scopes: scopes.split(' '),
    extraClientMetadata: { properties: ['urn:organization'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({ scope: scopes, audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    extraTokenClaims: (ctx, token) => ({ role: 'lps', organization: token.client['urn:organization'] }),
  })
  server.on('request', provider.callback())
  process.stdout.write(`${issuer}\n`)
})
