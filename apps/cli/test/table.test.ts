import { PassThrough } from "node:stream";

import { epoch, instanceFromInput } from "@rollcall/core";
import type { Instance, InstanceInput, ServiceView } from "@rollcall/sdk";
import { expect, test } from "vitest";

import { jsonFromView } from "../src/output/json.ts";
import { counted, printable, tableLines } from "../src/output/table.ts";
import { viewText } from "../src/output/view.ts";

const plain = new PassThrough();

function instance(input: Partial<InstanceInput> & { readonly id: string }): Instance {
  return instanceFromInput({ address: "10.0.0.1:8080", ...input }, () => "");
}

function view(instances: readonly Instance[], more: Partial<ServiceView> = {}): ServiceView {
  const service = { namespace: "default", group: "default", service: "orders" };
  return { service, instances, version: { epoch: epoch(2), counter: 7 }, confirmed: true, ...more };
}

test("columns are as wide as their widest cell, empty cells show, and lines end without spaces", () => {
  const rows = [
    ["a", "", "x"],
    ["longer than its heading", "2", ""],
  ];
  expect(tableLines(["NAME", "COUNT", "NOTE"], rows, plain)).toEqual([
    "NAME                     COUNT  NOTE",
    "a                        -      x",
    "longer than its heading  2      -",
  ]);
});

test("a table without rows is its headings", () => {
  expect(tableLines(["A", "B"], [], plain)).toEqual(["A  B"]);
});

test("characters of two units count once", () => {
  expect(tableLines(["A", "B"], [["🙂", "x"]], plain)).toEqual(["A  B", "🙂  x"]);
});

test("what others have registered cannot steer the terminal", () => {
  expect(printable("\u001b[2Jgone\r\n")).toBe("\u{FFFD}[2Jgone\u{FFFD}\u{FFFD}");
  expect(viewText(view([instance({ id: "a", metadata: { note: "\u001b[31mred" } })]), undefined, plain)).not.toContain(
    "\u001b",
  );
});

test("a count has its noun", () => {
  expect([0, 1, 2].map((count) => counted(count, "instance"))).toEqual(["0 instances", "1 instance", "2 instances"]);
});

test("a view is a line about it and a table", () => {
  const instances = [
    instance({ id: "one", protocol: "http", zone: "a", metadata: { version: "1.2", canary: "true" } }),
    instance({ id: "two", weight: 0, enabled: false }),
  ];
  expect(viewText(view(instances), undefined, plain).split("\n")).toEqual([
    "orders  2 instances, version 2.7",
    "ADDRESS        PROTOCOL  WEIGHT  ZONE  STATE     METADATA                 ID",
    "10.0.0.1:8080  http      100     a     healthy   version=1.2 canary=true  one",
    "10.0.0.1:8080  tcp       0       -     disabled  -                        two",
    "",
  ]);
});

test("a view after another says what became of it", () => {
  const [stays, changes, goes] = ["stays", "changes", "goes"].map((id) => instance({ id }));
  const before = view([stays!, changes!, goes!]);
  const after = view([stays!, instance({ id: "changes", weight: 1 }), instance({ id: "x" }), instance({ id: "y" })]);
  expect(viewText(after, before, plain)).toMatch(/^orders {2}4 instances, 2 new, 1 changed, 1 gone, version 2\.7\n/);
  expect(viewText(before, before, plain)).toMatch(/^orders {2}3 instances, version/);
});

test("an empty view says so, and one that nobody vouches for says that", () => {
  expect(viewText(view([]), undefined, plain)).toBe("orders  0 instances, version 2.7\nnobody has registered it\n");
  expect(viewText(view([instance({ id: "a" })], { confirmed: false }), undefined, plain)).toContain("not confirmed");
});

test("a service outside the default namespace is named in full", () => {
  const service = { namespace: "shop", group: "blue", service: "orders" };
  expect(viewText(view([], { service }), undefined, plain)).toMatch(/^shop\/blue\/orders {2}/);
});

test("JSON has the promised fields, and bytes as base64", () => {
  expect(jsonFromView(view([instance({ id: "a", payload: Uint8Array.of(1, 2, 255) })]))).toEqual({
    service: { namespace: "default", group: "default", service: "orders" },
    version: { epoch: 2, counter: 7 },
    confirmed: true,
    instances: [
      {
        id: "a",
        address: "10.0.0.1:8080",
        protocol: "tcp",
        weight: 100,
        zone: "",
        metadata: {},
        payload: "AQL/",
        enabled: true,
        health: "healthy",
      },
    ],
  });
});
