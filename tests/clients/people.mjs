// Resources as a client would write them, and what every journey prints: plain JSON, invented people.
import { pathToFileURL } from "node:url";

export const NPU = "http://npu-terminology.org";
export const OWN = "urn:oid:1.2.208.176.1.99";

// @medplum/core looks for it when it is loaded; Node has one of its own from version 22
globalThis.WebSocket ??= class {};

export const load = (entry) => import(pathToFileURL(`${process.env.CLIENTS}/node_modules/${entry}`).href);
export const fresh = () => Math.random().toString(36).slice(2, 14);

export const patient = (family) => ({
  resourceType: "Patient",
  identifier: [{ system: OWN, value: family }],
  name: [{ family, given: ["Åse", "Test"] }],
  gender: "female",
});

export const hba1c = (subject, value, day) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: NPU, code: "NPU27300" }], text: "HbA1c" },
  subject: { reference: subject },
  effectiveDateTime: `${day}T08:15:00+01:00`,
  valueQuantity: { value, unit: "mmol/mol", system: "http://unitsofmeasure.org", code: "mmol/mol" },
});

export const days = (number) => Array.from({ length: number }, (_, at) => `2026-10-0${at + 1}`);
