c     Four tasks in a group: what they do together, and how each comes
c     out of it.
      program togthr
      implicit none
      include 'fpvm3.h'
      external PvmSum, PvmMax, PvmMin, PvmProduct, weave
      integer me, parent, tids(3), n, inst, i, k
      integer total(3), every(8), mine(2)
      double precision d(2)
      complex c(2)
      character*12 group
      group = 'fgroup'
      call pvmfmytid(me)
      call pvmfparent(parent)
      call pvmfsetopt(PVMAUTOERR, 0, n)
      if (parent .lt. 0) then
         call pvmfgsize(group, n)
         call show('size before', n)
      end if
      call pvmfjoingroup(group, inst)
      if (parent .lt. 0) then
         call show('instance', inst)
         call pvmfjoingroup(group, n)
         call show('joined again', n)
         call pvmfspawn('together', PVMDEFAULT, '*', 3, tids, n)
         call show('spawned', n)
      end if
      call pvmfbarrier(group, 4, n)
      if (inst .eq. 0) then
         call show('barrier', n)
         call pvmfgsize(group, n)
         call show('size', n)
         call pvmfgettid(group, 0, i)
         print '(A,L2)', 'gettid', i .eq. me
         call pvmfgettid(group, 9, i)
         call show('gettid of 9', i)
         call pvmfgetinst(group, me, i)
         call show('getinst', i)
         call pvmfgetinst('no group', me, i)
         call show('getinst in none', i)
         call pvmfgetinst(' ', me, i)
         call show('getinst of a blank', i)
      end if
      call pvmffreezegroup(group, 4, n)
      if (inst .eq. 0) call show('freezegroup', n)
      do 10 i = 1, 3
         total(i) = inst*10 + i
 10   continue
      call pvmfreduce(PvmSum, total, 3, INTEGER4, 11, group, 0, n)
      if (inst .eq. 0) print '(A,4I6)', 'sum', n, total
      call pvmfbarrier(group, 4, n)
      d(1) = 1.5d0 + inst
      d(2) = -d(1)
      call pvmfreduce(PvmMax, d, 2, REAL8, 12, group, 0, n)
      if (inst .eq. 0) print '(A,I6,2F8.2)', 'max', n, d
      call pvmfbarrier(group, 4, n)
      d(1) = 1.5d0 + inst
      d(2) = -d(1)
      call pvmfreduce(PvmMin, d, 2, REAL8, 13, group, 0, n)
      if (inst .eq. 0) print '(A,I6,2F8.2)', 'min', n, d
      call pvmfbarrier(group, 4, n)
      c(1) = cmplx(1, inst)
      c(2) = cmplx(0, 1)
      call pvmfreduce(PvmProduct, c, 2, COMPLEX8, 14, group, 0, n)
      if (inst .eq. 0) print '(A,I6,4F8.2)', 'product', n, c
      call pvmfbarrier(group, 4, n)
      do 20 i = 1, 3
         total(i) = inst + i
 20   continue
      call pvmfreduce(weave, total, 3, INTEGER4, 15, group, 0, n)
      if (inst .eq. 0) print '(A,4I6)', 'my own', n, total
      call pvmfbarrier(group, 4, n)
      if (inst .eq. 0) then
         do 30 i = 1, 8
            every(i) = 100 + i
 30      continue
      end if
      call pvmfscatter(mine, every, 2, INTEGER4, 16, group, 0, n)
      mine(1) = mine(1)*10 + inst
      mine(2) = mine(2)*10 + inst
      call pvmfgather(every, mine, 2, INTEGER4, 17, group, 0, n)
      if (inst .eq. 0) print '(A,I4,8I6)', 'gathered', n, every
      call pvmfbarrier(group, 4, n)
      if (inst .eq. 0) then
         call pvmfinitsend(PVMDEFAULT, n)
         call pvmfpack(INTEGER4, 77, 1, 1, n)
         call pvmfbcast(group, 18, n)
         call show('bcast', n)
         do 40 i = 1, 3
            call pvmfrecv(-1, 19, n)
            call pvmfunpack(INTEGER4, k, 1, 1, n)
            call show('heard', k)
 40      continue
      else
         call pvmfrecv(-1, 18, n)
         call pvmfunpack(INTEGER4, k, 1, 1, n)
         call pvmfinitsend(PVMDEFAULT, n)
         call pvmfpack(INTEGER4, k, 1, 1, n)
         call pvmfgettid(group, 0, i)
         call pvmfsend(i, 19, n)
      end if
      call pvmfbarrier(group, 4, n)
c     A frozen group ends with the first who leaves it.
      call pvmflvgroup(group, n)
      if (inst .eq. 0) then
         call pvmflvgroup('no group', n)
         call show('lvgroup of none', n)
      end if
      call pvmfexit(n)
      end

c     Sums weighted by position, to tell the elements apart.
      subroutine weave(type, x, y, number, info)
      integer type, number, x(number), y(number), info, i
      do 10 i = 1, number
         x(i) = x(i) + i*y(i)
 10   continue
      info = 0
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
