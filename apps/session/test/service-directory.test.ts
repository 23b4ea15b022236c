import { RegistryError, serviceKey, type ServiceSummary, type ServicesQuery } from "@rollcall/core";
import { expect, test } from "vitest";
import { ServiceDirectory } from "../src/routing/service-directory.ts";
import { ORDERS, slotTable, tableWith } from "./fixture.ts";

const summary = (service: string): ServiceSummary => ({ key: serviceKey({ service }), instances: 1 });

function startDirectory() {
  const asked: [string, ServicesQuery][] = [];
  const directory = new ServiceDirectory((nodeId, query) => asked.push([nodeId, query]));
  const heard: (string | string[])[] = [];
  const list = (namespace = "default") =>
    directory.list(namespace, (result) => {
      heard.push(result instanceof RegistryError ? result.reason : result.map(({ key }) => key.service));
    });
  return { directory, asked, heard, list };
}

const twoLeaders = tableWith(slotTable(1, "d-1"), ORDERS, "d-2", 1);

test("every leader is asked, and the list is theirs together, in order, once all have answered", () => {
  const { directory, asked, heard, list } = startDirectory();
  directory.adopt(twoLeaders);
  list("tenant");
  expect(asked.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ["d-1", { sequence: 1, namespace: "tenant" }],
    ["d-2", { sequence: 1, namespace: "tenant" }],
  ]);
  directory.answered("d-2", { sequence: 1, services: [summary("orders"), summary("z")] });
  directory.answered("d-2", { sequence: 1, services: [summary("again")] });
  expect(heard).toEqual([]);
  directory.answered("d-1", { sequence: 1, services: [summary("payments"), summary("a")] });
  directory.answered("d-1", { sequence: 1, services: [] });
  expect(heard).toEqual([["a", "orders", "payments", "z"]]);
});

test("while a slot has no leader there is no list, for it would be wrong", () => {
  const { directory, asked, heard, list } = startDirectory();
  list();
  directory.adopt(tableWith(slotTable(1, "d-1"), ORDERS, undefined, 1));
  list();
  expect([heard, asked]).toEqual([["not_ready", "not_ready"], []]);
});

test("a node that is lost fails the lists that wait for it, and no others", () => {
  const { directory, heard, list } = startDirectory();
  directory.adopt(twoLeaders);
  list();
  directory.answered("d-2", { sequence: 1, services: [] });
  directory.lost("d-2");
  expect(heard).toEqual([]);
  list();
  directory.lost("d-2");
  expect(heard).toEqual(["unavailable"]);
  directory.answered("d-1", { sequence: 1, services: [] });
  expect(heard).toEqual(["unavailable", []]);
});

test("a list that was given up is told nothing", () => {
  const { directory, heard, list } = startDirectory();
  directory.adopt(slotTable(1, "d-1"));
  list()();
  directory.answered("d-1", { sequence: 1, services: [] });
  directory.lost("d-1");
  expect(heard).toEqual([]);
});
