! What PVM's manual says of Fortran and PVM 3.4.6 does not do: its library lacks these routines, or
! they do something else. Free source form, to show that fpvm3.h fits it. See recorder.c.
program manual
  implicit none
  include 'fpvm3.h'
  integer :: n, a(8), count, entries, indices(2), owners(2), flags(2), i
  character(16) :: name

  call pvmffreecontext(5, n)
  call say('freecontext', n)
  call pvmfgetminfo(6, a(1), a(2), a(3), a(4), a(5), a(6), a(7), a(8), n)
  call say('getminfo', n)
  do i = 1, 8
    call say(' it', a(i))
  end do
  call pvmfgetminfo(-6, a(1), a(2), a(3), a(4), a(5), a(6), a(7), a(8), n)
  call say('getminfo of no buffer', n)
  call pvmfsetminfo(6, 12, 13, 14, 17, 18, n)
  call say('setminfo', n)
  call pvmfpkmesg(7, n)
  call say('pkmesg', n)
  call pvmfpkmesgbody(8, n)
  call say('pkmesgbody', n)
  call pvmfupkmesg(9, n)
  call say('upkmesg', n)
  call pvmftidtoh(262146, n)
  call say('tidtoh', n)

  ! One class a call, then PvmNotFound; the next call begins anew.
  n = 0
  count = 0
  do i = 1, 4
    name = 'unchanged'
    entries = 0
    call pvmfgetmboxinfo('*', name, count, entries, indices, owners, flags, n)
    call says('getmboxinfo', name)
    call say(' info', n)
    call say(' classes', count)
    call say(' entries', entries)
  end do
  call say(' last index', indices(2))
  call say(' last owner', owners(2))
  call say(' last flags', flags(2))
  ! -1, in the place of either number, begins anew at once.
  n = -1
  call pvmfgetmboxinfo('other', name, count, entries, indices, owners, flags, n)
  call says('info was -1', name)
  count = -1
  call pvmfgetmboxinfo('none', name, count, entries, indices, owners, flags, n)
  call say('nothing found', n)
  call say(' classes', count)

  ! No task matches: a count, and no row.
  count = -1
  call pvmftasks(1, count, a(1), a(2), a(3), a(4), name, n)
  call say('no tasks', n)
  call say(' number', count)
end program manual
