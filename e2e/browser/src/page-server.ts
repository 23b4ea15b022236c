/** The page under test, bundled from the sources and served on loopback. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { bundle } from "@rollcall/bundle-size";

const SCRIPT = fileURLToPath(new URL("./page/main.ts", import.meta.url));

const HTML = `<!doctype html><meta charset="utf-8"><title>rollcall</title><script type="module" src="/main.js"></script>`;

export interface PageServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40000`. */
  readonly origin: string;
}

export async function servePage(): Promise<PageServer> {
  const { code } = await bundle(SCRIPT, { platform: "browser", minify: false });
  const server = createServer(({ url }, response) => {
    if (url === "/main.js") response.setHeader("content-type", "text/javascript").end(code);
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
