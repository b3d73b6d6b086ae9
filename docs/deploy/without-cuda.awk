# The lock without torch and what only its CUDA build needs. A requirement is its line and the indented ones below it.
/^[A-Za-z0-9]/ { out = /^(torch|torchvision|triton|nvidia-[^=]*|cuda-[^=]*)==/ }
!out
