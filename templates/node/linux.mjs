// `npm run test:linux`: this project's tests, in Linux, in the dev shell of flake.nix.
import { Vm } from 'vzshell';

await using vm = await Vm.create({ mounts: [{ source: process.cwd() }] });
const shell = await vm.develop({ flake: process.cwd() });
const result = await shell.exec('node', ['--test'], { cwd: process.cwd(), reject: false });
process.stdout.write(result.stdout);
process.stderr.write(result.stderr);
process.exitCode = result.exitCode ?? 1;
