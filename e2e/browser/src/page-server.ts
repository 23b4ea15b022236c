/** The page under test, bundled from the sources and served on loopback. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { rolldown } from "rolldown";

const SCRIPT = fileURLToPath(new URL("./page/main.ts", import.meta.url));

const HTML = `<!doctype html><meta charset="utf-8"><title>rollcall</title><script type="module" src="/main.js"></script>`;

export interface PageServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40000`. */
  readonly origin: string;
}

export async function servePage(): Promise<PageServer> {
  const script = await bundle();
  const server = createServer(({ url }, response) => {
    if (url === "/main.js") response.setHeader("content-type", "text/javascript").end(script);
    else response.setHeader("content-type", "text/html").end(HTML);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bundle(): Promise<string> {
  await using build = await rolldown({
    input: SCRIPT,
    platform: "browser",
    resolve: { conditionNames: ["@rollcall/source", "browser", "import", "default"] },
  });
  const { output } = await build.generate({ format: "esm" });
  return output[0].code;
}
