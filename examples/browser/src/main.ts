/**
 * A page that shows who looks at it: each tab registers itself, and is shown all of them.
 *
 *     npm start -- --cors-origins http://localhost:5173      a registry, in another terminal
 *     npm start -w @rollcall/example-browser                 then open http://localhost:5173, in as many tabs as you like
 */

import { createClient } from "@rollcall/sdk/web";

const state = document.querySelector("#state")!;
const visitors = document.querySelector("#visitors")!;

// A short lease, to see a closed tab go soon.
const client = createClient({ servers: ["http://127.0.0.1:9600"], leaseMs: 5_000 });

client.on("connected", ({ server }) => (state.textContent = `connected to ${server}`));
client.on("disconnected", () => (state.textContent = "looking for a registry; the list is the last one known"));

client.subscribe("visitors").onChange(({ instances }) => {
  const items = instances.map(({ id, metadata }) => {
    const item = document.createElement("li");
    item.textContent = `${metadata["language"]} (${id})`;
    return item;
  });
  visitors.replaceChildren(...items);
});

// Nobody calls a page, so its address means nothing here.
client.register({ service: "visitors", address: "localhost:1", metadata: { language: navigator.language } });
