import type { BuildEnvironment } from './environment.ts';

/** A path of the derivation's own output, and the place below `outputs/` that stands for it in a dev shell. */
export interface OutputPath {
  readonly from: string;
  readonly output: string;
}

/** The outputs of the derivation, as the variable `outputs` names them. */
export function outputPaths(environment: BuildEnvironment): OutputPath[] {
  const outputs = environment.variables.get('outputs');
  if (outputs === undefined) return [];
  if (outputs.type === 'associative') return outputs.value.map(([output, from]) => ({ from, output }));
  const names = outputs.type === 'array' ? outputs.value : outputs.value.split(/\s+/).filter((name) => name !== '');
  return names.flatMap((output) => {
    const path = environment.variables.get(output);
    return (path?.type === 'exported' || path?.type === 'var') && path.value !== ''
      ? [{ from: path.value, output }]
      : [];
  });
}

/** `text` with the paths of outputs replaced by their places below `directory`. */
export function redirectOutputs(text: string, outputs: readonly OutputPath[], directory: string): string {
  return outputs.reduce(
    (result, { from, output }) => result.replaceAll(from, () => `${directory}/outputs/${output}`),
    text,
  );
}
