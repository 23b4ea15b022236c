/**
 * What is kept of a subscription beyond the life of the process: the last list that the registry vouched for, and where
 * and when it came from. It lies on disks that fill up, break and are edited by people, so nothing of it is believed
 * before its checksum is right, and whatever else it may turn out to be is an answer and not an error.
 *
 *     "rollcall"   format (1 byte)   checksum (8 bytes) of all that follows   kept at (8 bytes)   frames
 *
 * The frames are those in which a session would send the list: first its hello, which names the cluster, then the push.
 */

import {
  FRAME_HEADER_BYTES,
  RegistryError,
  UpdateParts,
  digestOfBytes,
  messageFromFrame,
  sameDigest,
  type Frame,
  type ServerHello,
  type Update,
} from "@rollcall/core";
import { frameFromServerMessage, framesFromPush, serverMessageFromBytes } from "@rollcall/protocol";

export interface KeptCopy {
  /** Who vouched for it. */
  readonly hello: ServerHello;
  /** When it was kept, in milliseconds of the wall clock. */
  readonly keptAt: number;
  /** A snapshot. */
  readonly update: Update;
}

const MAGIC = new TextEncoder().encode("rollcall");
/** Grows with every change that older programs cannot read. */
const FORMAT = 1;
const CHECKSUM_AT = MAGIC.length + 1;
const KEPT_AT = CHECKSUM_AT + 8;
const FRAMES_AT = KEPT_AT + 8;

export function bytesFromKeptCopy({ hello, keptAt, update }: KeptCopy): Uint8Array<ArrayBuffer> {
  const frames = [frameFromServerMessage({ hello }), ...framesFromPush(update)];
  const bytes = new Uint8Array(FRAMES_AT + frames.reduce((sum, { length }) => sum + length, 0));
  bytes.set(MAGIC);
  bytes[MAGIC.length] = FORMAT;
  const view = new DataView(bytes.buffer);
  view.setFloat64(KEPT_AT, keptAt);
  let at = FRAMES_AT;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  const { high, low } = digestOfBytes(bytes.subarray(KEPT_AT));
  view.setUint32(CHECKSUM_AT, high);
  view.setUint32(CHECKSUM_AT + 4, low);
  return bytes;
}

/** The copy, or in words what is wrong with the bytes. */
export function keptCopyFromBytes(bytes: Uint8Array): KeptCopy | string {
  if (bytes.length < FRAMES_AT) return `cut off after ${bytes.length} bytes`;
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) return "not a copy that a client has kept";
  const format = bytes[MAGIC.length];
  if (format !== FORMAT) return `of format ${format}, and this program knows ${FORMAT}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checksum = { high: view.getUint32(CHECKSUM_AT), low: view.getUint32(CHECKSUM_AT + 4) };
  if (!sameDigest(digestOfBytes(bytes.subarray(KEPT_AT)), checksum)) return "damaged: its checksum is wrong";
  try {
    return { ...contentFromFrames(bytes.subarray(FRAMES_AT)), keptAt: view.getFloat64(KEPT_AT) };
  } catch (thrown) {
    if (!(thrown instanceof RegistryError)) throw thrown;
    return thrown.message;
  }
}

/** @throws RegistryError for a message that makes no sense. */
function contentFromFrames(bytes: Uint8Array): Omit<KeptCopy, "keptAt"> {
  const parts = new UpdateParts();
  let hello: ServerHello | undefined;
  let update: Update | undefined;
  for (const frame of framesOf(bytes)) {
    const message = serverMessageFromBytes(messageFromFrame(frame));
    hello ??= message.hello;
    for (const part of message.pushes) update = parts.take(part);
  }
  if (hello !== undefined && update !== undefined) return { hello, update };
  throw new RegistryError("protocol_violation", "no list in it");
}

function* framesOf(bytes: Uint8Array): Iterable<Frame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length;) {
    const end = at + FRAME_HEADER_BYTES + view.getUint32(at + 1);
    yield bytes.subarray(at, end) as Frame;
    at = end;
  }
}
