// fhirclient, SMART's own client for JavaScript: https://github.com/smart-on-fhir/client-js
import assert from "node:assert/strict";
import { days, fresh, hba1c, load, patient } from "./people.mjs";

const { default: smart } = await load("fhirclient/lib/entry/node.js");
const client = smart({ headers: {} }, {}).client(process.argv[2]);

const family = fresh();
const person = await client.create(patient(family));
await client.update({ ...person, gender: "male" });
await client.patch(`Patient/${person.id}`, [{ op: "replace", path: "/gender", value: "other" }]);
assert.equal((await client.request(`Patient/${person.id}`)).gender, "other");

for (const [at, day] of days(5).entries()) {
  await client.create(hba1c(`Patient/${person.id}`, 50 + at, day));
}
const found = await client.request(`Observation?patient=${person.id}&_sort=-date&_count=2`, {
  pageLimit: 0,
  flat: true,
  resolveReferences: "subject",
});
assert.deepEqual(found.map((one) => one.valueQuantity.value), [54, 53, 52, 51, 50]);
assert.equal(found[0].subject.name[0].family, family);
await client.delete(`Patient/${person.id}`);
const gone = await client.request(`Patient/${person.id}`).catch((error) => error);
assert.equal(gone.status ?? gone.statusCode, 410);
console.log("fhirclient: done");
