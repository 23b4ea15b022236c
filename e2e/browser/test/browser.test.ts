import { RealCluster, until } from "@rollcall/e2e-cluster";
import type { Client as NodeClient, ServiceView } from "@rollcall/sdk";
import type { Client, WebClientOptions, WebProtocol } from "@rollcall/sdk/web";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { launchChromium } from "../src/chromium.ts";
import type { PageGlobals } from "../src/page/main.ts";
import { servePage, type PageServer } from "../src/page-server.ts";

/** What the functions that run in the page have there. */
type Globals = PageGlobals & {
  client: Client;
  views: { readonly ids: readonly string[]; readonly at: number }[];
  connected: string[];
};

let pages: PageServer;
let cluster: RealCluster;
let browser: Browser;

beforeAll(async () => {
  pages = await servePage();
  browser = await launchChromium();
  cluster = await RealCluster.start({ data: 2, sessions: 2, sessionArgs: ["--cors-origins", pages.origin] });
});

afterEach(({ task }) => {
  if (task.result?.state === "fail") process.stderr.write(`${cluster?.group.report()}\n`);
});

afterAll(async () => {
  await browser?.close();
  await cluster?.[Symbol.asyncDispose]();
  await pages?.[Symbol.asyncDispose]();
});

/** A tab with a client in it. */
async function openTab(service: string, options: Partial<WebClientOptions>): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", (error) => process.stderr.write(`in the page: ${error.stack}\n`));
  await page.goto(pages.origin);
  await page.waitForFunction(() => "sdk" in globalThis);
  const servers = cluster.sessions.map(({ address }) => `http://${address}`);
  await page.evaluate(
    ({ options, service }) => {
      const tab = globalThis as Globals;
      tab.views = [];
      tab.connected = [];
      tab.client = tab.sdk.createClient(options);
      tab.client.on("connected", ({ server }) => tab.connected.push(server));
      tab.client.subscribe(service).onChange(({ instances }) => {
        tab.views.push({ ids: instances.map(({ id }) => id), at: performance.timeOrigin + performance.now() });
      });
    },
    { options: { servers, ...options }, service },
  );
  return page;
}

const viewsOf = (page: Page) => page.evaluate(() => (globalThis as Globals).views);

/** The first view of the page with exactly these instances. */
function shows(page: Page, ...ids: readonly string[]) {
  return until(async () => (await viewsOf(page)).find((view) => view.ids.join() === ids.join()), {
    what: `the page shows ${ids.join(", ") || "nobody"}`,
    withinMs: 20_000,
  });
}

function openNodeClient(): NodeClient {
  const client = cluster.openClient();
  onTestFinished(() => client.close());
  return client;
}

function idsOf(view: ServiceView | undefined): string {
  return view?.instances.map(({ id }) => id).join() ?? "no view";
}

describe.each<WebProtocol>(["connect", "grpc-web"])("a page that speaks %s", (protocol) => {
  test("is shown what a Node client registers and takes out", async () => {
    const service = `shown-${protocol}`;
    const page = await openTab(service, { protocol });
    await shows(page);
    const node = openNodeClient();
    const tookMs: number[] = [];
    for (const ids of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      const at = performance.timeOrigin + performance.now();
      await node.register({ service, id: ids.at(-1)!, address: "10.0.0.1:80" });
      tookMs.push((await shows(page, ...ids)).at - at);
    }
    process.stdout.write(
      `from register() in Node to the page over ${protocol}: ${tookMs.map(Math.round).join(", ")} ms\n`,
    );
    await node.close();
    await until(async () => (await viewsOf(page)).at(-1)?.ids.length === 0, { what: "the page shows nobody again" });
    const shown = (await viewsOf(page)).map(({ ids }) => ids.join());
    expect(shown.slice(0, 4)).toEqual(["", "a", "a,b", "a,b,c"]);
  });

  test("registers itself, changes, and is gone with its lease when the tab is closed", async () => {
    const service = `registers-${protocol}`;
    const page = await openTab(service, { protocol, leaseMs: 2_000 });
    const seen = openNodeClient().subscribe(service);
    await page.evaluate(async (service) => {
      const { client } = globalThis as Globals;
      const registration = await client.register({ service, id: "tab", address: "10.0.0.1:80" });
      await registration.update({ weight: 7 });
    }, service);
    await until(() => seen.current()?.instances[0]?.weight === 7, { what: "the Node client sees the page" });
    await shows(page, "tab");
    const until2Leases = performance.now() + 5_000;
    const isRenewed = () => {
      expect(idsOf(seen.current())).toBe("tab");
      return performance.now() > until2Leases;
    };
    await until(isRenewed, { what: "more than two leases have passed" });
    const closedAt = performance.now();
    await page.close();
    await until(() => idsOf(seen.current()) === "", { what: "the page is gone", withinMs: 20_000 });
    process.stdout.write(
      `gone ${Math.round(performance.now() - closedAt)} ms after the tab, with a lease of 2000 ms\n`,
    );
  });

  test("goes to another session when its own is killed, and nobody is shown anything of it", async () => {
    const service = `killed-${protocol}`;
    const page = await openTab(service, { protocol });
    const node = openNodeClient();
    await node.register({ service, id: "n", address: "10.0.0.1:80" });
    await page.evaluate(async (service) => {
      await (globalThis as Globals).client.register({ service, id: "tab", address: "10.0.0.2:80" });
    }, service);
    await shows(page, "n", "tab");
    const seen = node.subscribe(service);
    await until(() => idsOf(seen.current()) === "n,tab", { what: "the Node client sees both" });
    const views: string[] = [];
    seen.onChange((view) => views.push(idsOf(view)));
    const before = await viewsOf(page);
    const server = await page.evaluate(() => (globalThis as Globals).connected[0]!);
    const session = cluster.sessions.find(({ address }) => server.endsWith(address))!;
    await cluster.kill(session);
    await page.waitForFunction(() => (globalThis as Globals).connected.length > 1);
    await node.register({ service, id: "o", address: "10.0.0.3:80" });
    await shows(page, "n", "o", "tab");
    expect((await viewsOf(page)).slice(before.length).map(({ ids }) => ids.join())).toEqual(["n,o,tab"]);
    await until(() => views.at(-1) === "n,o,tab", { what: "the Node client sees the third" });
    expect(views).toEqual(["n,tab", "n,o,tab"]);
    await cluster.restart(session);
    await cluster.ready();
  });
});

describe("a page", () => {
  test("follows more services than a browser has connections to a host, and registers beside that", async () => {
    const page = await openTab("first-of-many", {});
    await shows(page);
    const services = Array.from({ length: 20 }, (_, number) => `many-${number}`);
    const seen = openNodeClient().subscribe("many-19");
    const shown = await page.evaluate(async (services) => {
      const { client } = globalThis as Globals;
      const subscriptions = services.map((service) => client.subscribe(service));
      await Promise.all(subscriptions.map(({ ready }) => ready));
      await Promise.all(services.map((service) => client.register({ service, id: "tab", address: "10.0.0.1:80" })));
      await Promise.all(
        subscriptions.map(
          (subscription) =>
            new Promise<void>((resolve) => {
              subscription.onChange(({ instances }) => {
                if (instances.length > 0) resolve();
              });
            }),
        ),
      );
      return subscriptions.map((subscription) => subscription.current()!.instances.length);
    }, services);
    expect(shown).toEqual(services.map(() => 1));
    await until(() => idsOf(seen.current()) === "tab", { what: "the Node client sees the last of them" });
  });

  test("that stood still for longer than its lease is gone, and is back when it goes on", async () => {
    const page = await openTab("still", { leaseMs: 1_000 });
    const node = openNodeClient();
    const seen = node.subscribe("still");
    await page.evaluate(async () => {
      await (globalThis as Globals).client.register({ service: "still", id: "tab", address: "10.0.0.1:80" });
    });
    await until(() => idsOf(seen.current()) === "tab", { what: "the Node client sees the page" });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Debugger.enable");
    await devtools.send("Debugger.pause");
    await until(() => idsOf(seen.current()) === "", { what: "the page is gone", withinMs: 20_000 });
    await node.register({ service: "still", id: "node", address: "10.0.0.2:80" });
    await devtools.send("Debugger.resume");
    await until(() => idsOf(seen.current()) === "node,tab", { what: "the page is back", withinMs: 20_000 });
    expect((await shows(page, "node", "tab")).ids).toEqual(["node", "tab"]);
  });

  test("that goes takes out what it registered at once, if it is told to", async () => {
    const page = await openTab("leaves", { leaseMs: 600_000, unregisterOnLeave: true });
    const seen = openNodeClient().subscribe("leaves");
    await page.evaluate(async () => {
      await (globalThis as Globals).client.register({ service: "leaves", id: "tab", address: "10.0.0.1:80" });
    });
    await until(() => idsOf(seen.current()) === "tab", { what: "the Node client sees the page" });
    await page.goto("about:blank");
    await until(() => idsOf(seen.current()) === "", { what: "the page is gone", withinMs: 20_000 });
    expect(seen.current()).toMatchObject({ confirmed: true });
  });

  test("of an origin that is not allowed is told why it gets no connection", async () => {
    const page = await openTab("foreign", {});
    await shows(page);
    const stranger = await page.context().newPage();
    await stranger.goto(pages.origin.replace("127.0.0.1", "localhost"));
    await stranger.waitForFunction(() => "sdk" in globalThis);
    const reason = await stranger.evaluate(
      (servers) => {
        const client = (globalThis as Globals).sdk.createClient({ servers });
        return new Promise((resolve) => {
          client.on("connected", ({ server }) => resolve(server));
          client.on("retrying", ({ error }) => resolve(error.reason));
        });
      },
      cluster.sessions.map(({ address }) => `http://${address}`),
    );
    expect(reason).toBe("unavailable");
  });
});
