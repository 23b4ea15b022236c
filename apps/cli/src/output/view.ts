/** A service as a person sees it: one line about it, then a table of its instances. */

import { formatVersion } from "@rollcall/core";
import type { Instance, ServiceKey, ServiceView } from "@rollcall/sdk";

import { bold, counted, dim, tableLines } from "./table.ts";

const HEADINGS = ["ADDRESS", "PROTOCOL", "WEIGHT", "ZONE", "STATE", "METADATA", "ID"];

/** @param before the view that was shown last, when there was one */
export function viewText(view: ServiceView, before: ServiceView | undefined, stream: NodeJS.WritableStream): string {
  const { service, instances, version, confirmed } = view;
  const facts = [
    counted(instances.length, "instance"),
    ...(before === undefined ? [] : changes(before.instances, instances)),
    `version ${formatVersion(version)}`,
    ...(confirmed ? [] : ["not confirmed by the leader of its slot"]),
  ];
  const heading = `${bold(serviceText(service), stream)}  ${facts.join(", ")}`;
  const table = instances.length === 0 ? [] : tableLines(HEADINGS, instances.map(row), stream);
  const hint = instances.length === 0 && before === undefined ? [dim("nobody has registered it", stream)] : [];
  return `${[heading, ...table, ...hint].join("\n")}\n`;
}

/** `orders`, or `shop/blue/orders` when it is not in the default namespace and group. */
export function serviceText({ namespace, group, service }: ServiceKey): string {
  return namespace === "default" && group === "default" ? service : `${namespace}/${group}/${service}`;
}

function row({ id, address, protocol, weight, zone, metadata, enabled, health }: Instance): string[] {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return [address, protocol, String(weight), zone, enabled ? health : "disabled", pairs.join(" "), id];
}

function changes(before: readonly Instance[], after: readonly Instance[]): string[] {
  const old = new Map(before.map((instance) => [instance.id, instance]));
  const fresh = after.filter(({ id }) => !old.has(id)).length;
  // The client gives the same object for an instance that did not change.
  const changed = after.filter((instance) => old.has(instance.id) && old.get(instance.id) !== instance).length;
  const gone = before.length - (after.length - fresh);
  const parts = [
    [fresh, "new"],
    [changed, "changed"],
    [gone, "gone"],
  ] as const;
  return parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
}
