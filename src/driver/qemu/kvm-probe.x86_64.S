/* The x86_64 payload of kvm.ts. PVH entry (32 bit) -> paging and long mode -> SSE2 and BMI2 -> isa-debug-exit, status 85.
   A broken KVM runs real mode well and fails at the first vector instruction of long mode, so this goes there.
   To rebuild the bytes in kvm-probe.ts:
     as kvm-probe.x86_64.S -o p.o && ld -m elf_x86_64 -N -z max-page-size=16 -Ttext 0x100000 --build-id=none -s p.o -o p.elf
     gzip -9n <p.elf | base64 -w 110 */
.section .note.PVH, "a", @note
  .long 4, 4, 18                /* name and value lengths, XEN_ELFNOTE_PHYS32_ENTRY */
  .asciz "Xen"
  .long _start
.text
.code32
.globl _start
_start:
  mov $stack, %esp
  mov $pml4, %edi
  mov $pdpt, %eax
  or $3, %eax
  mov %eax, (%edi)
  mov $pdpt, %edi
  mov $pd, %eax
  or $3, %eax
  mov %eax, (%edi)
  mov $pd, %edi                 /* the first GiB in pages of 2 MiB */
  mov $0x83, %eax
  mov $512, %ecx
1:mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  loop 1b
  mov %cr4, %eax
  or $0x620, %eax               /* PAE, OSFXSR, OSXMMEXCPT */
  mov %eax, %cr4
  mov $pml4, %eax
  mov %eax, %cr3
  mov $0xc0000080, %ecx         /* EFER: long mode */
  rdmsr
  or $0x100, %eax
  wrmsr
  mov %cr0, %eax
  or $0x80000001, %eax
  mov %eax, %cr0
  lgdt gdtr
  ljmp $8, $long
.code64
long:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %ss
  mov %eax, %es
  movdqa vector(%rip), %xmm0
  paddd %xmm0, %xmm0
  mov $7, %eax
  xor %ecx, %ecx
  cpuid
  test $0x100, %ebx             /* kernels use BMI2 where CPUID says so */
  jz 2f
  mov $3, %ecx
  mov $5, %eax
  shlx %ecx, %eax, %edx
2:rdtsc
  mov $0x2a, %eax
  mov $0x501, %edx
  out %al, %dx
3:hlt
  jmp 3b
.data
.balign 16
vector: .long 1, 2, 3, 4
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr: .word 23
  .long gdt
.bss
.balign 4096
pml4: .skip 4096
pdpt: .skip 4096
pd: .skip 4096
  .skip 4096
stack:
