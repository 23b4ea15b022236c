/** The few shapes of which plots are made. Everything is drawn in a box of fixed size, with its margins. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Logarithmic axes show orders of magnitude. */
  readonly scale: "linear" | "logarithmic";
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 70, right: 170, top: 40, bottom: 50 };
const COLOURS = ["#1f6feb", "#d1242f", "#8250df", "#1a7f37", "#bc4c00", "#57606a"];
const TICKS = 5;

export function svgOf({ title, xLabel, yLabel, scale, series }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const x = axis(
    all.map(([value]) => value),
    scale,
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const y = axis(
    all.map(([, value]) => value),
    scale,
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  );
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(MARGIN.left, 22, title, 'font-size="15"'),
    text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 12, xLabel, 'text-anchor="middle"'),
    text(0, 0, yLabel, `text-anchor="middle" transform="translate(16 ${HEIGHT / 2}) rotate(-90)"`),
    ...x.ticks.map((value) => text(x.at(value), HEIGHT - MARGIN.bottom + 18, label(value), 'text-anchor="middle"')),
    ...y.ticks.map((value) => text(MARGIN.left - 8, y.at(value) + 4, label(value), 'text-anchor="end"')),
    ...y.ticks.map((value) => line(MARGIN.left, y.at(value), WIDTH - MARGIN.right, y.at(value))),
  ];
  for (const [index, { name, points }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length]!;
    const path = points.map(([px, py]) => `${round(x.at(px))},${round(y.at(py))}`).join(" ");
    lines.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`);
    lines.push(text(WIDTH - MARGIN.right + 12, MARGIN.top + 12 + index * 18, name, `fill="${colour}"`));
  }
  return `${[...lines, "</svg>"].join("\n")}\n`;
}

interface Axis {
  readonly ticks: readonly number[];
  /** Where a value lies in the picture. */
  at(value: number): number;
}

function axis(values: readonly number[], scale: Plot["scale"], [from, to]: readonly [number, number]): Axis {
  if (scale === "logarithmic") {
    const low = Math.floor(Math.log10(Math.max(Number.MIN_VALUE, Math.min(...values))));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
    return {
      ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
      at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    };
  }
  const low = Math.min(0, ...values);
  const high = Math.max(low + 1, ...values);
  return {
    ticks: Array.from({ length: TICKS + 1 }, (_, index) => low + (index * (high - low)) / TICKS),
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
  };
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#d0d7de"/>`;
}

function label(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
