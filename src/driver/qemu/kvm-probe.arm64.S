/* The arm64 payload of kvm.ts: an Image that uses the vector unit and the clock and then asks PSCI to power off.
   To rebuild the bytes in kvm-probe.ts: as kvm-probe.arm64.S -o p.o && objcopy -O binary p.o p.img && gzip -9n <p.img | base64 -w 110 */
  b start
  .long 0
  .quad 0                       /* text_offset */
  .quad 0x1000                  /* image_size */
  .quad 0xa                     /* flags: 4 KiB pages, anywhere in memory */
  .quad 0, 0, 0
  .ascii "ARM\x64"
  .long 0
start:
  mov x0, #(3 << 20)            /* CPACR_EL1.FPEN: no trap on vector instructions */
  msr cpacr_el1, x0
  isb
  movi v0.4s, #21
  add v0.4s, v0.4s, v0.4s
  fmov w1, s0
  mrs x2, cntvct_el0
  cmp w1, #42
  b.ne 1f
  mov w0, #0x0008               /* PSCI SYSTEM_OFF, 0x84000008 */
  movk w0, #0x8400, lsl #16
  hvc #0
1:wfi
  b 1b
