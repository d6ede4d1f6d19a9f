// How the bench times things and says so. All times are in milliseconds.
import { performance } from 'node:perf_hooks';

/** The value below which the share `q` of the samples lies. */
export function quantile(samples, q) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export async function timed(action) {
  const start = performance.now();
  const result = await action();
  return { ms: performance.now() - start, result };
}

/** Runs `action` `runs` times, one after another, after one uncounted run. */
export async function sample(runs, action) {
  await action();
  const samples = [];
  for (let run = 0; run < runs; run++) samples.push((await timed(action)).ms);
  return samples;
}

/** A list of figures that prints itself: JSON lines as they come, a table at the end. */
export class Report {
  #rows = [];

  /**
   * `limit` is the bare limit measured in the same run, in the unit of `value`; `target` what `judge` must not exceed: the ratio
   * of the two, or without a limit the value.
   */
  add({ name, value, unit = 'ms', limit = null, limitName = '', target = null, judge = null, extra = {} }) {
    const ratio = limit === null ? null : value / limit;
    const judges = judge ?? (ratio === null ? 'value' : 'ratio');
    const judged = judges === 'ratio' ? ratio : value;
    const row = {
      name,
      value,
      unit,
      limit,
      limitName,
      ratio,
      target,
      judges,
      ok: target === null ? null : judged <= target,
      ...extra,
    };
    this.#rows.push(row);
    console.log(JSON.stringify(row));
    return row;
  }

  print() {
    const lines = this.#rows.map((row) => [
      row.name,
      format(row.value, row.unit),
      row.limit === null ? '' : `${format(row.limit, row.unit)} ${row.limitName}`,
      row.ratio === null ? '' : `${row.ratio.toFixed(2)} x`,
      row.target === null
        ? ''
        : `${row.ok ? 'ok' : 'OVER'} (<= ${row.target}${row.judges === 'value' ? ` ${row.unit}` : ' x'})`,
    ]);
    const titles = ['what', 'measured', 'bare limit', 'ratio', 'target'];
    const widths = titles.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column].length)));
    const text = (cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd();
    console.error([text(titles), text(widths.map((width) => '-'.repeat(width))), ...lines.map(text)].join('\n'));
  }
}

function format(value, unit) {
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}
