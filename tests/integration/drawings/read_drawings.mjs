// Reads a JSON list of drawings, and writes what Mermaid takes each for: its nodes, lines and boxes, or the error.
// Mermaid cleans labels with the help of a browser's document, which jsdom stands for.
import { JSDOM } from "jsdom";
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = [];
for (const drawing of JSON.parse(text)) {
  try {
    const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(drawing);
    found.push({
      type,
      nodes: [...db.getVertices().values()].map(({ id, text }) => [id, text]),
      edges: db.getEdges().map(({ start, end, text }) => [start, end, text]),
      boxes: db.getSubGraphs().map(({ id, title, nodes }) => [id, title, nodes]),
    });
  } catch (error) {
    found.push({ error: String(error.message ?? error) });
  }
}
process.stdout.write(JSON.stringify(found));
