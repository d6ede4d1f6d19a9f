// The guests of the KVM probe, assembled from kvm-probe.<arch>.S (which say how) and packed with gzip: they are too small to be
// worth a build step, and the package is to need none.

import { gunzipSync } from 'node:zlib';
import type { Arch } from '../driver.ts';

const PACKED: Record<Arch, readonly string[]> = {
  x86_64: [
    'H4sIAAAAAAACA6VSv0sCcRR/56knhH2POGlouW5oaPiiQdAULoVDg1O0KilNSt13cEtwcnFpbOsfaP0qgQcF1ZSjozhFgZPgVPa++v3q3UEI9e',
    'D9vM977/veveujk+OIpoGiCBzC3DNnMivjucgCgrEDiKKMQ2yGNZDtRQkzoEfSG4W+CngcfGSaQb1sFkgUeVHkdfkeW8sGtCXhlq8PyJy/5D1A',
    '3oSueBUH24TGi940usLikF64aPEGgtu4PmgaMSwLjefEcEzsQdLGMYkz4KIGcfrtOoBH9pKiA0kT20uiUSeOR7TUO075UUORAC7mbfVbvZZXJt',
    'XYPnpl8u1xsevMK7mbPIoCjLR1DHDsCE/Dy0mPZPgu2h0NI6Px59dsDjGyLudXNJ2iuL2f65s32IQe9lVb2kA+K1Xma6fuhcuuWKEItFJlJZo/',
    'zQFlpRoDel5gBaBF14X/0pq8I3Vm6r+o/2WF8FrIT8mYAcE7VHfZXZG/JWO69D2ZP5BAGsKHrhS2kRO+/OU9h+74lwL+3n5y5Pw7K97/A658XY',
    'DIAwAA',
  ],
  arm64: [
    'H4sIAAAAAAACAxNgYBBhQAYCEIqLAT9wDPJNATPYFlxyEJC4et+e+eoCNgZ/hpYFfowManJOD6yv2q9gKGxkYAhhYGwIYmjYUMTEwHClXoH56v',
    '///8UBmLbI1XgAAAA=',
  ],
};

/** A kernel image that ends its machine well when the processor really runs it. */
export function probeKernel(arch: Arch): Buffer {
  return gunzipSync(Buffer.from(PACKED[arch].join(''), 'base64'));
}
