// A throwaway Linux machine from a script. In a checkout, after scripts/demo: node examples/script/tour.mjs
import { Vm } from 'vzshell';

const vm = await Vm.create({ network: 'none' });
try {
  const { stdout } = await vm.exec('uname', ['-sm']);
  console.log(`Commands run in ${stdout.trim()}.`);

  // Arguments reach the program as they are: no shell comes between.
  const name = "it's a directory";
  await vm.$`mkdir ${name}`;
  await vm.exec('test', ['-d', name]);

  // stdin is given, stdout comes back.
  const sorted = await vm.exec('sort', ['-u'], { input: 'pear\napple\npear\n' });
  console.log(sorted.stdout.trim().split('\n'));

  // A live command, line by line.
  const counting = await vm.spawn('sh', ['-c', 'for i in 1 2 3; do echo "line $i"; done; exit 3']);
  for await (const line of counting.lines()) console.log(line);
  console.log(`It ended with exit code ${(await counting.exited).exitCode}.`);
} finally {
  await vm.stop();
}
