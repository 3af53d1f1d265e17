c     The mailbox.
      program lettrs
      implicit none
      include 'fpvm3.h'
      integer me, n, i, entries, total, indices(8), owners(8), flags(8)
      character*16 class, found
      class = 'fletters'
      call pvmfmytid(me)
      call pvmfsetopt(PVMAUTOERR, 0, n)
      call pvmfrecvinfo(class, 0, PVMMBOXDEFAULT, n)
      call show('recvinfo of none', n)
      do 10 i = 1, 3
         call pvmfinitsend(PVMDEFAULT, n)
         call pvmfpack(INTEGER4, 100*i, 1, 1, n)
         call pvmfgetsbuf(n)
         call pvmfputinfo(class, n, PVMMBOXMULTIINSTANCE, n)
         call show('putinfo', n)
 10   continue
      total = -1
      call pvmfgetmboxinfo('fletters*', found, total, entries, indices,
     &                     owners, flags, n)
      print '(2A,I4)', 'class ', found, entries
      print '(A,3I4,3L2,3I4)', 'entries', indices(1), indices(2),
     &   indices(3), owners(1) .eq. me, owners(2) .eq. me,
     &   owners(3) .eq. me, flags(1), flags(2), flags(3)
      do 20 i = 0, 3
         call pvmfrecvinfo(class, i, PVMMBOXDEFAULT, n)
         print '(A,L2)', 'recvinfo', n .gt. 0
         if (n .gt. 0) then
            call pvmfunpack(INTEGER4, total, 1, 1, n)
            call show('value', total)
         end if
 20   continue
      call pvmfrecvinfo(class, 1, PVMMBOXFIRSTAVAIL, n)
      print '(A,L2)', 'first from 1', n .gt. 0
      call pvmfdelinfo(class, 1, PVMMBOXDEFAULT, n)
      call show('delinfo', n)
      call pvmfdelinfo(class, 1, PVMMBOXDEFAULT, n)
      call show('delinfo again', n)
      call pvmfdelinfo('no class', 0, PVMMBOXDEFAULT, n)
      call show('delinfo of none', n)
      total = -1
      call pvmfgetmboxinfo('no class', found, total, entries, indices,
     &                     owners, flags, n)
      call show('getmboxinfo of none', n)
      call pvmfexit(n)
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
