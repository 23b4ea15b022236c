/** One program as one file, from the sources, as a user's bundler would make it. */

import { rolldown } from "rolldown";

export interface BundleOptions {
  readonly platform: "browser" | "node";
  readonly minify: boolean;
}

export interface Bundle {
  readonly code: string;
  /** What is imported and not in the file. */
  readonly imports: readonly string[];
}

/** @param program path of the program, or the text `import …` of one */
export async function bundle(program: string, { platform, minify }: BundleOptions): Promise<Bundle> {
  const isText = program.startsWith("import ");
  await using build = await rolldown({
    input: isText ? TEXT_ID : program,
    platform,
    plugins: isText ? [textPlugin(program)] : [],
    resolve: { conditionNames: ["@rollcall/source", platform, "import", "default"] },
  });
  const { output } = await build.generate({ format: "esm", minify });
  const [{ code, imports }] = output;
  return { code, imports };
}

/** As if it were a file here, so that it imports what this project may. */
const TEXT_ID = new URL("./program.js", import.meta.url).pathname;

function textPlugin(program: string) {
  return {
    name: "program",
    resolveId: (id: string) => (id === TEXT_ID ? id : null),
    load: (id: string) => (id === TEXT_ID ? program : null),
  };
}
