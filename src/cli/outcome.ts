/** What a verb's action reports when it is not 0. */
export interface Outcome {
  code: number;
}
