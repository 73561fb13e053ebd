// fhir-kit-client, a plain client for Node: https://github.com/Vermonster/fhir-kit-client
import assert from "node:assert/strict";
import { NPU, days, fresh, hba1c, load, patient } from "./people.mjs";

const { Client } = await load("fhir-kit-client/dist/index.js");
const client = new Client({ baseUrl: process.argv[2] });

const statement = await client.capabilityStatement();
assert.equal(statement.fhirVersion, "4.0.1");

const family = fresh();
const person = await client.create({ resourceType: "Patient", body: patient(family) });
assert.equal(person.meta.versionId, "1");
const subject = `Patient/${person.id}`;
await client.update({ resourceType: "Patient", id: person.id, body: { ...person, gender: "male" } });
await client.patch({
  resourceType: "Patient",
  id: person.id,
  jsonPatch: [{ op: "replace", path: "/gender", value: "other" }],
});
const there = await client.read({ resourceType: "Patient", id: person.id });
assert.deepEqual([there.gender, there.meta.versionId], ["other", "3"]);
const first = await client.vread({ resourceType: "Patient", id: person.id, version: "1" });
assert.equal(first.gender, "female");

for (const [at, day] of days(5).entries()) {
  await client.create({ resourceType: "Observation", body: hba1c(subject, 50 + at, day) });
}
const asked = { patient: person.id, code: `${NPU}|NPU27300`, _sort: "-date", _count: 2 };
let page = await client.search({ resourceType: "Observation", searchParams: asked });
const values = [];
while (page) {
  values.push(...page.entry.map((entry) => entry.resource.valueQuantity.value));
  page = page.link.some((one) => one.relation === "next") ? await client.nextPage({ bundle: page }) : null;
}
assert.deepEqual(values, [54, 53, 52, 51, 50]);

const compartment = await client.search({
  resourceType: "Observation",
  compartment: { resourceType: "Patient", id: person.id },
  searchParams: { _summary: "count" },
});
assert.equal(compartment.total, 5);
const byForm = await client.search({
  resourceType: "Patient",
  searchParams: { family },
  options: { postSearch: true },
});
assert.equal(byForm.entry.length, 1);

const history = await client.history({ resourceType: "Patient", id: person.id });
assert.deepEqual(history.entry.map((entry) => entry.request.method), ["PATCH", "PUT", "POST"]);
assert.ok((await client.history({ resourceType: "Patient" })).entry.length >= 3);
assert.ok((await client.history()).entry.length >= 3);

const everything = await client.operation({ name: "everything", resourceType: "Patient", id: person.id, method: "GET" });
assert.equal(everything.entry.filter((entry) => entry.resource.resourceType === "Observation").length, 5);

const answer = await client.transaction({
  body: {
    resourceType: "Bundle",
    type: "transaction",
    entry: [{ resource: hba1c(subject, 61, "2026-11-01"), request: { method: "POST", url: "Observation" } }],
  },
});
assert.match(answer.entry[0].response.status, /^201/);

await client.delete({ resourceType: "Patient", id: person.id });
const gone = await client.read({ resourceType: "Patient", id: person.id }).catch((error) => error);
assert.equal(gone.response?.status ?? gone.status, 410);
console.log("fhir-kit-client: done");
