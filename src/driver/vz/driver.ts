// The driver for Macs: Virtualization.framework through the addon. docs/drivers.md tells the whole of it.

import { VzshellError } from '../../errors.ts';
import type { Arch, Driver, DriverProbe, MachineSpec, Missing } from '../driver.ts';
import { requireFeatures } from '../require-features.ts';
import { addonPath, loadAddon } from './addon.ts';
import type { VzCapabilities } from './binding.ts';
import { startVzMachine } from './machine.ts';

export const vzDriver: Driver = {
  name: 'vz',
  probe: async (arch) => probe(arch),
  start: async (spec, signal) => {
    signal?.throwIfAborted();
    const binding = loadAddon();
    const capabilities = binding.capabilities();
    requireHost(capabilities);
    requireHonourable(spec, capabilities);
    await requireSound(spec);
    requireFeatures(spec, capabilities.features);
    return startVzMachine(binding, spec, signal);
  },
};

function probe(arch: Arch): DriverProbe {
  const base = { driver: 'vz', arch, programs: [] } as const;
  const none = { accelerator: 'none', features: [] };
  let capabilities: VzCapabilities;
  try {
    capabilities = loadAddon().capabilities();
  } catch (error) {
    const { message, hint } = error as VzshellError;
    const missing: Missing = { what: 'the addon', why: message, fix: hint ?? 'install vzshell again' };
    return { ...base, ...none, usable: false, missing: [missing], acceleratorNote: message };
  }
  const missing = lacking(capabilities, arch);
  return {
    ...base,
    usable: missing.length === 0,
    missing,
    accelerator: missing.length === 0 ? 'vz' : 'none',
    acceleratorNote: missing[0]?.why ?? null,
    features: capabilities.features,
    programs: [{ name: 'macOS', path: addonPath(), version: capabilities.macos }],
  };
}

/** What keeps this host from running machines of that architecture. */
function lacking({ supported, entitled, arch: own }: VzCapabilities, arch: Arch): Missing[] {
  const missing: Missing[] = [];
  if (arch !== own) {
    missing.push({
      what: `a guest of ${arch}`,
      why: `Virtualization.framework runs guests of the Mac's own processor, which is ${own}`,
      fix: "leave 'arch' out; x86_64 programs run in the arm64 guest through Rosetta",
    });
  }
  if (!entitled) {
    missing.push({
      what: 'the entitlement com.apple.security.virtualization',
      why: `${process.execPath} is not signed with it`,
      fix: 'install vzshell again (a package manager may have signed it anew), or run scripts/sign on it',
    });
  }
  if (!supported) {
    missing.push({
      what: 'hardware virtualization',
      why: 'this Mac says that it cannot run virtual machines (VZVirtualMachine.isSupported)',
      fix: 'a virtual Mac needs nested virtualization; a real one needs Apple Silicon, or an Intel processor with VT-x',
    });
  }
  return missing;
}

/** First of all: without either, every configuration is invalid for a reason that names neither. */
function requireHost(capabilities: VzCapabilities): void {
  const [first] = lacking(capabilities, capabilities.arch);
  if (first === undefined) return;
  const code = capabilities.entitled ? 'ERR_UNSUPPORTED_HOST' : 'ERR_NOT_ENTITLED';
  throw new VzshellError(code, first.why, { hint: first.fix });
}

/** What the spec asks for and this driver has no way to give. The addon refuses what this macOS lacks. */
function requireHonourable(spec: MachineSpec, capabilities: VzCapabilities): void {
  if (spec.arch !== capabilities.arch) {
    const [missing] = lacking(capabilities, spec.arch);
    throw new VzshellError('ERR_UNSUPPORTED', `arch: ${missing?.why}`, { hint: missing?.fix ?? 'leave it out' });
  }
  if (spec.accelerator === 'emulation') {
    throw new VzshellError('ERR_UNSUPPORTED', "accelerator: the vz driver has no 'emulation'", {
      hint: "leave it at 'auto'",
    });
  }
}

/** The schema is large, and hardly any machine has such devices: it is loaded for those. */
async function requireSound({ devices, disks, shares }: MachineSpec): Promise<void> {
  if (devices === undefined) return;
  const { checkDevices } = await import('../devices-schema.ts');
  checkDevices(devices, { ids: disks.map(({ id }) => id), tags: shares.map(({ tag }) => tag) });
}
