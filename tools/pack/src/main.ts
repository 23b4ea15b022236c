/** `npm run pack`: the packages that users install, as tarballs in dist/packages. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { packAll } from "./pack.ts";
import { ROOT } from "./workspace.ts";

const target = join(ROOT, "dist/packages");
for (const { folder } of await packAll(target)) {
  const tarball = execFileSync("npm", ["pack", "--silent", folder], { cwd: target, encoding: "utf8" }).trim();
  console.log(join("dist/packages", tarball));
}
