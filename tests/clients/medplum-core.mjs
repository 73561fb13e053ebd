// @medplum/core, the client under Medplum's apps: https://www.medplum.com/docs/sdk/core.medplumclient
import assert from "node:assert/strict";
import { NPU, OWN, days, fresh, hba1c, load, patient } from "./people.mjs";

const { MedplumClient } = await load("@medplum/core/dist/esm/index.mjs");
const base = new URL(process.argv[2]);
const client = new MedplumClient({ baseUrl: `${base.origin}/`, fhirUrlPath: "fhir", fetch, cacheTime: 0 });

const family = fresh();
const person = await client.createResourceIfNoneExist(patient(family), `identifier=${OWN}|${family}`);
const same = await client.createResourceIfNoneExist(patient(family), `identifier=${OWN}|${family}`);
assert.equal(same.id, person.id);
const changed = await client.updateResource({ ...person, gender: "male" });
assert.equal(changed.meta.versionId, "2");
const patched = await client.patchResource("Patient", person.id, [{ op: "replace", path: "/gender", value: "other" }]);
assert.equal(patched.gender, "other");
const upserted = await client.upsertResource({ ...patient(family), gender: "female" }, `identifier=${OWN}|${family}`);
assert.deepEqual([upserted.id, upserted.gender], [person.id, "female"]);

for (const [at, day] of days(5).entries()) {
  await client.createResource(hba1c(`Patient/${person.id}`, 50 + at, day));
}
const query = `patient=${person.id}&code=${encodeURIComponent(`${NPU}|NPU27300`)}&_sort=-date&_count=2`;
const values = [];
for await (const page of client.searchResourcePages("Observation", query)) {
  values.push(...page.map((one) => one.valueQuantity.value));
}
assert.deepEqual(values, [54, 53, 52, 51, 50]);
assert.equal((await client.searchOne("Patient", `family=${family}`)).id, person.id);
assert.equal((await client.search("Observation", `patient.family=${family}&_total=accurate&_count=1`)).total, 5);

const everything = await client.readPatientEverything(person.id);
assert.ok(everything.entry.length >= 6);
assert.equal((await client.readHistory("Patient", person.id)).entry.length, 4);
assert.equal((await client.readVersion("Patient", person.id, "1")).gender, "female");
const checked = await client.validateResource({ ...patient(family), gender: "nope" });
assert.ok(checked.issue.some((one) => one.severity === "error"));
const batch = await client.executeBatch({
  resourceType: "Bundle",
  type: "batch",
  entry: [{ request: { method: "GET", url: `Patient/${person.id}` } }, { request: { method: "GET", url: "Patient/none" } }],
});
assert.deepEqual(batch.entry.map((entry) => entry.response.status.slice(0, 3)), ["200", "404"]);
await client.deleteResource("Patient", person.id);
await assert.rejects(client.readResource("Patient", person.id));
console.log("@medplum/core: done");
