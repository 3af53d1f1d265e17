! Answers asker.c in Fortran, in free source form.
program answerer
  use, intrinsic :: iso_fortran_env, only: output_unit
  implicit none
  include 'fpvm3.h'
  integer :: me, mid, number, tid, tag, bytes, info, served
  double precision :: square
  character(len=32) :: digits
  integer :: length

  call pvmfmytid(me)
  if (me < 0) stop 2
  served = 0
  print '(A)', 'ready'
  flush(output_unit)
  do
    call pvmfrecv(-1, 1, mid)
    if (mid < 0) stop 3
    call pvmfbufinfo(mid, bytes, tag, tid, info)
    call pvmfunpack(INTEGER4, number, 1, 1, info)
    if (number < 0) exit
    square = dble(number)**2
    write (digits, '(I0)') number
    ! What pvm_upkstr reads: the length with a NUL at the end, and the characters.
    length = len_trim(digits) + 1
    digits(length:length) = char(0)
    call pvmfinitsend(PVMDATADEFAULT, info)
    call pvmfpack(INTEGER4, number, 1, 1, info)
    call pvmfpack(REAL8, square, 1, 1, info)
    call pvmfpack(INTEGER4, length, 1, 1, info)
    call pvmfpack(STRING, digits, length, 1, info)
    call pvmfsend(tid, 2, info)
    served = served + 1
  end do
  print '(A,I0)', 'served ', served
  call pvmfexit(info)
end program answerer
