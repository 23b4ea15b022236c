/**
 * What `--json` prints: one object a line. The names of its fields are promised to scripts; docs/operating.md
 * lists them.
 */

import type { Instance, ServiceKey, ServiceView, Version } from "@rollcall/sdk";

export function writeJson(stream: NodeJS.WritableStream, value: object): void {
  stream.write(`${JSON.stringify(value)}\n`);
}

export function jsonFromView({ service, instances, version, confirmed }: ServiceView): object {
  return {
    service: jsonFromService(service),
    version: jsonFromVersion(version),
    confirmed,
    instances: instances.map(jsonFromInstance),
  };
}

export function jsonFromService({ namespace, group, service }: ServiceKey): object {
  return { namespace, group, service };
}

export function jsonFromVersion({ epoch, counter }: Version): object {
  return { epoch, counter };
}

export function jsonFromInstance(instance: Instance): object {
  const { id, address, protocol, weight, zone, metadata, payload, enabled, health, probe } = instance;
  const base64 = Buffer.from(payload).toString("base64");
  return { id, address, protocol, weight, zone, metadata, payload: base64, enabled, health, ...(probe && { probe }) };
}
