/** Lets the scripts of chosen web origins call this node. Without a list no headers are set and browsers refuse. */

import { cors } from "@connectrpc/connect";
import { answer, type AnyRequest, type AnyResponse } from "./request.ts";

/** How long a browser may remember the answer, in seconds: two hours, the most that Chrome keeps. */
const REMEMBER_S = 7_200;

/** Sets the headers of an allowed origin. Returns true when the request was only a question and is answered. */
export function createCors(origins: readonly string[]): (request: AnyRequest, response: AnyResponse) => boolean {
  const all = origins.includes("*");
  const allowed = new Set(origins);
  return (request, response) => {
    const origin = request.headers["origin"];
    if (allowed.size === 0 || typeof origin !== "string" || !(all || allowed.has(origin))) return false;
    response.setHeader("access-control-allow-origin", all ? "*" : origin);
    response.setHeader("access-control-expose-headers", cors.exposedHeaders.join(", "));
    response.setHeader("vary", "origin");
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return false;
    answer(response, 204, "text/plain", "", {
      "access-control-allow-methods": cors.allowedMethods.join(", "),
      "access-control-allow-headers": [...cors.allowedHeaders, "authorization"].join(", "),
      "access-control-max-age": String(REMEMBER_S),
    });
    return true;
  };
}
