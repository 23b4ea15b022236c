import { parseAst } from "rolldown/parseAst";
import { lineAt, type RepositoryFile } from "./repository.ts";

/** A node of the syntax tree, read by its shape: the rules look at a handful of node types only. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [property: string]: unknown;
}

const parsed = new WeakMap<RepositoryFile, SyntaxNode>();

/** The syntax tree of a TypeScript file. Parsed once per file, however many rules ask. */
export function syntaxOf(file: RepositoryFile): SyntaxNode {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const program = parseAst(file.text, { lang: "ts" }, file.path) as unknown as SyntaxNode;
  parsed.set(file, program);
  return program;
}

export function statementsOf(file: RepositoryFile): readonly SyntaxNode[] {
  return syntaxOf(file)["body"] as readonly SyntaxNode[];
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** Calls `visit` for `node` and everything below it, outermost first. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? (value["name"] as string) : undefined;
}

export function lineOf(file: RepositoryFile, node: SyntaxNode): number {
  return lineAt(file.text, node.start);
}

export interface Import {
  readonly from: string;
  readonly line: number;
  /** False for `import type` and `export type`, which leave nothing behind when types are erased. */
  readonly runtime: boolean;
}

/** Everything the file imports: `import`, `export ... from` and `import()` of a literal. */
export function importsOf(file: RepositoryFile): Import[] {
  const found: Import[] = [];
  walk(syntaxOf(file), (node) => {
    if (!/^(Import(Declaration|Expression)|Export(Named|All)Declaration)$/.test(node.type)) return;
    const from = node["source"];
    if (!isNode(from) || typeof from["value"] !== "string") return;
    const runtime = node["importKind"] !== "type" && node["exportKind"] !== "type";
    found.push({ from: from["value"], line: lineOf(file, node), runtime });
  });
  return found;
}
