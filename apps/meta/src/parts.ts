/**
 * Parts of meta, by themselves: for the tests of the simulator that break one of them on purpose, to see that somebody
 * notices. It leads to the sources and not to what is published, and nobody else may import it.
 */

export { Members } from "./membership/members.ts";
export { TableDraft } from "./slots/table-draft.ts";
