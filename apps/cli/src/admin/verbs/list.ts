import { dim } from "../../output/table.ts";
import { jsonFromRecord, recordsTable } from "../record-text.ts";
import type { Verb } from "../verb.ts";

export const list: Verb = {
  name: "list",
  summary: "show what is decided at present",
  args: [["[prefix]", "only what is about this: records whose id begins so"]],
  examples: ["list", "list rebalance --json | jq '.records[].author'"],
  decides: false,
  expires: false,
  async run({ args: [prefix] }, operator) {
    const { records, version } = await operator.list(prefix);
    const { stdout } = operator.ports;
    return {
      json: { version, records: records.map(jsonFromRecord) },
      text: records.length === 0 ? `${dim("nothing is decided", stdout)}\n` : recordsTable(records, stdout),
    };
  },
};
