import {
  findMatches,
  isTest,
  isTypeScript,
  projectOf,
  type Finding,
  type RepositoryFile,
  type Rule,
} from "../repository.ts";
import { isNode, lineOf, nameOf, syntaxOf, walk, type SyntaxNode } from "../syntax.ts";

/**
 * One word for one thing, in code, wire and file names. Only what we name ourselves is looked at: declarations, members,
 * string-literal types and the schema. A foreign library's option or import keeps its own name.
 */
const replacements: readonly (readonly [banned: RegExp, say: string])[] = [
  [/^(data id|data info id)$/, "service or ServiceKey"],
  [/^(publish|published|publishing|publishers?)$/, "register or registration"],
  [/^providers?$/, "instance"],
  [/^endpoints?$/, "instance, or address for where it listens"],
  [/^(deregister|deregistered)$/, "unregister"],
  [/^ephemeral$/, "connection (the registration kind)"],
  [/^persistent$/, "static (the registration kind)"],
  [/^revisions?$/, "version"],
  [/^timestamps?$/, "version for order, or a name that ends in AtMs for a time"],
  [/^(terms?|generations?)$/, "epoch"],
  [/^(shards?|partitions?)$/, "slot"],
  [/^replica$/, "follower (only the count is called replicas)"],
  [/^ttls?$/, "lease, or leaseMs for its length"],
  [/^beats?$/, "renew"],
  [/^(debounce|debounced)$/, "coalesce"],
  [/^provide data$/, "control record"],
];

/** The simulated network is where partitions are made, and test code speaks of what it breaks. */
const isOurVocabulary = (path: string): boolean =>
  /^(packages|apps)\//.test(path) && !path.startsWith("packages/testing/") && !isTest(path);

export const words: Rule = {
  name: "the registry's words, and no others",
  check: (files) => files.filter((file) => isOurVocabulary(file.path)).flatMap(checkFile),
};

function checkFile(file: RepositoryFile): Finding[] {
  const inPath = file.path.slice((projectOf(file.path) ?? "").length).replace(/\.[a-z]+$/, "");
  const findings = complaints(inPath.replaceAll("/", "-")).map((message) => ({ path: file.path, line: 1, message }));
  if (file.path.endsWith(".proto")) {
    const withoutComments = {
      ...file,
      text: file.text.replace(/\/\/.*|"[^"]*"/g, (match) => " ".repeat(match.length)),
    };
    const own = {
      ...withoutComments,
      text: withoutComments.text.replace(/\bgoogle\.[\w.]+/g, (match) => " ".repeat(match.length)),
    };
    return [...findings, ...findMatches(own, /[A-Za-z_]\w*/g, (name) => complaints(name).join("; "))].filter(
      (finding) => finding.message !== "",
    );
  }
  if (!isTypeScript(file.path)) return findings;
  walk(syntaxOf(file), (node) => {
    for (const name of declaredNames(node)) {
      for (const message of complaints(name)) findings.push({ path: file.path, line: lineOf(file, node), message });
    }
  });
  return findings;
}

function complaints(name: string): string[] {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== "");
  const phrases = parts.flatMap((part, at) => [
    part,
    parts.slice(at, at + 2).join(" "),
    parts.slice(at, at + 3).join(" "),
  ]);
  return [...new Set(phrases)].flatMap((phrase) =>
    replacements
      .filter(([banned]) => banned.test(phrase))
      .map(([, say]) => `"${name}": "${phrase}" is not one of our words, say ${say}`),
  );
}

/** The names that `node` itself brings into the world. */
function declaredNames(node: SyntaxNode): string[] {
  switch (node.type) {
    case "VariableDeclarator":
      return namesInPattern(node["id"]);
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "TSMethodSignature":
      return [node["id"], node["key"], ...(node["params"] as unknown[])].flatMap(namesInPattern);
    case "ClassDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return namesInPattern(node["id"]);
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
      return namesInPattern(node["key"]);
    case "TSLiteralType": {
      const literal = node["literal"];
      return isNode(literal) && typeof literal["value"] === "string" ? [literal["value"]] : [];
    }
    default:
      return [];
  }
}

function namesInPattern(pattern: unknown): string[] {
  if (!isNode(pattern)) return [];
  const name = nameOf(pattern);
  if (name !== undefined) return [name];
  switch (pattern.type) {
    case "PrivateIdentifier":
      return [pattern["name"] as string];
    case "ObjectPattern":
      return (pattern["properties"] as SyntaxNode[]).flatMap((property) =>
        namesInPattern(property["value"] ?? property["argument"]),
      );
    case "ArrayPattern":
      return (pattern["elements"] as unknown[]).flatMap(namesInPattern);
    case "AssignmentPattern":
      return namesInPattern(pattern["left"]);
    case "RestElement":
      return namesInPattern(pattern["argument"]);
    default:
      return [];
  }
}
