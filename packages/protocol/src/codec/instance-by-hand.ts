/** An instance as a client reads it of every push: by hand, unless it is probed or of more than ASCII. */

import { DEFAULT_PROTOCOL, DEFAULT_WEIGHT, type Instance } from "@rollcall/core";

import { Unusual, lengthTag, numberTag, type WireReader } from "../wire/wire-reader.ts";
import { unknownField } from "./values-by-hand.ts";

const ID = 1;
const ADDRESS = 2;
const PROTOCOL = 3;
const WEIGHT = 4;
const ZONE = 5;
const METADATA = 6;
const PAYLOAD = 7;
const ENABLED = 8;
const HEALTH = 9;

const UNHEALTHY = 2;
const NO_PAYLOAD = new Uint8Array(0);

/** Of a field that comes twice the last one counts: what is laid over an instance is put behind it. */
export function readInstance(reader: WireReader): Instance {
  let id = "";
  let address = "";
  let protocol = "";
  let weight = DEFAULT_WEIGHT;
  let zone = "";
  const metadata: Record<string, string> = {};
  let payload: Uint8Array = NO_PAYLOAD;
  let enabled = true;
  let health = 0;
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(ID):
        id = reader.ascii();
        break;
      case lengthTag(ADDRESS):
        address = reader.ascii();
        break;
      case lengthTag(PROTOCOL):
        protocol = reader.ascii();
        break;
      case numberTag(WEIGHT):
        weight = reader.uint32();
        break;
      case lengthTag(ZONE):
        zone = reader.ascii();
        break;
      case lengthTag(METADATA):
        reader.within((entry) => readEntry(entry, metadata));
        break;
      case lengthTag(PAYLOAD):
        payload = reader.view();
        break;
      case numberTag(ENABLED):
        enabled = reader.truth();
        break;
      case numberTag(HEALTH):
        health = reader.uint32();
        break;
      default:
        unknownField();
    }
  }
  return {
    id,
    address,
    protocol: protocol || DEFAULT_PROTOCOL,
    weight,
    zone,
    metadata,
    payload,
    enabled,
    health: health === UNHEALTHY ? "unhealthy" : "healthy",
  };
}

const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

function readEntry(reader: WireReader, metadata: Record<string, string>): void {
  let key = "";
  let value = "";
  while (!reader.isAtEnd) {
    switch (reader.number()) {
      case lengthTag(ENTRY_KEY):
        key = reader.ascii();
        break;
      case lengthTag(ENTRY_VALUE):
        value = reader.ascii();
        break;
      default:
        unknownField();
    }
  }
  if (key === "__proto__") throw new Unusual("a key that has to be put in otherwise");
  metadata[key] = value;
}
