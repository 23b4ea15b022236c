import { lineAt, type Finding, type RepositoryFile, type Rule } from "../repository.ts";

type Versions = Readonly<Record<string, string>>;

export interface Manifest {
  /** Folder from the root; empty for the root itself. */
  readonly project: string;
  readonly name: string;
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly peerDependencies: Versions;
  /** The source file behind an entry (`.`, `./stream`), from the project's folder. */
  sourceOf(entry: string): string | undefined;
}

interface ManifestText {
  readonly name: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
}

const known = new WeakMap<readonly RepositoryFile[], readonly Manifest[]>();

export function readManifests(files: readonly RepositoryFile[]): readonly Manifest[] {
  const before = known.get(files);
  if (before !== undefined) return before;
  const manifests = manifestFiles(files).map((file): Manifest => {
    const text = JSON.parse(file.text) as ManifestText;
    return {
      project: file.path.slice(0, -"/package.json".length),
      name: text.name,
      dependencies: text.dependencies ?? {},
      devDependencies: text.devDependencies ?? {},
      peerDependencies: text.peerDependencies ?? {},
      sourceOf: (entry) => text.exports?.[entry]?.["@rollcall/source"],
    };
  });
  known.set(files, manifests);
  return manifests;
}

function manifestFiles(files: readonly RepositoryFile[]): readonly RepositoryFile[] {
  return files.filter((file) => /(^|\/)package\.json$/.test(file.path));
}

const exactPins: Rule = {
  name: "dependencies are pinned exactly",
  check: (files) =>
    manifestFiles(files).flatMap((file) => {
      const text = JSON.parse(file.text) as ManifestText;
      const kinds = [text.dependencies, text.devDependencies, text.optionalDependencies];
      return kinds.flatMap((versions) =>
        Object.entries(versions ?? {})
          .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
          .map(([name, version]) => ({
            path: file.path,
            line: lineAt(file.text, file.text.indexOf(`"${name}"`)),
            message: `${name} "${version}": write the exact version that was tried`,
          })),
      );
    }),
};

const lockfileWithoutUrls: Rule = {
  name: "the lockfile holds no registry's URLs",
  check: (files) =>
    files
      .filter((file) => /(^|\/)package-lock\.json$/.test(file.path))
      .flatMap((file): Finding[] =>
        [...file.text.matchAll(/"resolved": "(https?|git[^"]*):/g)].map((match) => ({
          path: file.path,
          line: lineAt(file.text, match.index),
          message: 'a resolved URL: keep "omit-lockfile-registry-resolved=true" in .npmrc and install again',
        })),
      ),
};

export const manifestRules: readonly Rule[] = [exactPins, lockfileWithoutUrls];
