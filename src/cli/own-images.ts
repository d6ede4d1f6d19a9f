import { ownRoot } from '../image/own-root.ts';
import { pinnedId, readPin } from '../image/pins.ts';

/** The ids of the images that this version of vzshell was made with, each with the package that it comes in. */
export function ownImages(): ReadonlyMap<string, string> {
  const pins = (['arm64', 'x86_64'] as const).map((arch) => readPin(arch, ownRoot()));
  return new Map(
    pins.filter((pin) => pin !== null).map((pin) => [pinnedId(pin), `${pin.package}@${pin.version}`] as const),
  );
}
