/** Chromium as Debian packages it: nothing is downloaded but by apt-get. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

import { chromium, type Browser } from "playwright-core";

const PATH = "/usr/bin/chromium";

/** Nothing that the tests do not need: no GPU, no profile to keep, no talking to anybody but the page. */
const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium, and installs it before where that can be done. */
export async function launchChromium(): Promise<Browser> {
  if (!existsSync(PATH)) install();
  return chromium.launch({ executablePath: PATH, args: ARGS });
}

function install(): void {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    throw new Error(`these tests need Chromium at ${PATH}: install it, on Debian with "apt-get install chromium"`);
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends", "chromium"]])
    execFileSync("apt-get", args, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}
