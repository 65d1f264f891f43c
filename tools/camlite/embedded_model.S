/* The default model's bytes as read-only data of the program: camlite_embedded_model up to
   camlite_embedded_model_end. MODEL is the file's path in quotes. 64: as a tensor's memory. */
  .section .rodata
  .balign 64
  .global camlite_embedded_model
camlite_embedded_model:
  .incbin MODEL
  .global camlite_embedded_model_end
camlite_embedded_model_end:
  .byte 0
#ifdef __ELF__
  .section .note.GNU-stack, "", %progbits
#endif
