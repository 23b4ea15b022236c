/** Plain pages for GET: what probes, scrapers and browsers ask for. */

import type { IncomingHttpHeaders } from "node:http";

import type { Log } from "@rollcall/core";
import { answer, pathOf, type AnyRequest, type AnyResponse } from "./request.ts";

export interface PageRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface Page {
  /** HTTP status. Default 200. */
  readonly status?: number | undefined;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export type PageHandler = (request: PageRequest) => Page | Promise<Page>;

/** Whether a node can do its work; when not, what it waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** What is to be known of it besides. */
  readonly notices?: readonly string[];
}

interface PageSources {
  readonly http?: ReadonlyMap<string, PageHandler> | undefined;
  readonly readiness?: (() => Readiness) | undefined;
  readonly metrics?: (() => string | Promise<string>) | undefined;
}

/** Answers a GET or HEAD of a known page; returns false for everything else. */
export function createPages(sources: PageSources, log: Log): (request: AnyRequest, response: AnyResponse) => boolean {
  const pages = new Map<string, PageHandler>([...ownPages(sources), ...(sources.http ?? [])]);
  return (request, response) => {
    const path = pathOf(request);
    const handler = request.method === "GET" || request.method === "HEAD" ? pages.get(path) : undefined;
    if (handler === undefined) return false;
    const query = new URLSearchParams((request.url ?? "").slice(path.length));
    void show(handler, { path, query, headers: request.headers }, response, log);
    return true;
  };
}

async function show(handler: PageHandler, request: PageRequest, response: AnyResponse, log: Log): Promise<void> {
  try {
    const { status = 200, contentType, body, headers } = await handler(request);
    answer(response, status, contentType, body, headers);
  } catch (error) {
    log.error("a page could not be made", { path: request.path, error });
    answer(response, 500, "text/plain", "internal error\n");
  }
}

function ownPages({ readiness, metrics }: PageSources): Map<string, PageHandler> {
  const pages = new Map<string, PageHandler>([
    ["/healthz", () => ({ contentType: "text/plain", body: "alive\n" })],
    ["/readyz", () => readinessPage(readiness?.() ?? { ready: true, reasons: [] })],
  ]);
  if (metrics !== undefined)
    pages.set("/metrics", async () => ({
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: await metrics(),
    }));
  return pages;
}

function readinessPage({ ready, reasons, notices = [] }: Readiness): Page {
  return {
    status: ready ? 200 : 503,
    contentType: "application/json",
    body: `${JSON.stringify({ ready, reasons, ...(notices.length > 0 && { notices }) })}\n`,
  };
}
