/** Lets the scripts of chosen web origins call this node. Without a list no headers are set and browsers refuse. */

import { cors } from "@connectrpc/connect";
import { answer, type AnyRequest, type AnyResponse } from "./request.ts";

/** How long a browser may remember the answer, in seconds: two hours, the most that Chrome keeps. */
const REMEMBER_S = 7_200;

/** What a script may send besides what Connect and gRPC-web need: who it is, and where a trace comes from. */
const OWN_HEADERS = ["authorization", "traceparent", "tracestate"];

/** Sets the headers of an allowed origin. Returns true when the request was only a question and is answered. */
export function createCors(origins: readonly string[]): (request: AnyRequest, response: AnyResponse) => boolean {
  const all = origins.includes("*");
  const allowed = new Set(origins);
  return (request, response) => {
    if (allowed.size === 0) return false;
    // Also to those who are not allowed: what they get is of no use to those who are.
    if (!all) response.setHeader("vary", "origin");
    const origin = request.headers["origin"];
    if (typeof origin !== "string" || !(all || allowed.has(origin))) return false;
    response.setHeader("access-control-allow-origin", all ? "*" : origin);
    response.setHeader("access-control-expose-headers", cors.exposedHeaders.join(", "));
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return false;
    answer(response, 204, "text/plain", "", {
      "access-control-allow-methods": cors.allowedMethods.join(", "),
      "access-control-allow-headers": [...cors.allowedHeaders, ...OWN_HEADERS].join(", "),
      "access-control-max-age": String(REMEMBER_S),
    });
    return true;
  };
}
