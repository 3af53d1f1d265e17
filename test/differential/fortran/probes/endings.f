c     Siblings, notices, signals, handlers, output of children.
      program ending
      implicit none
      include 'fpvm3.h'
      integer handle
      external handle
      integer me, parent, tids(2), n, m, i, id
      call pvmfmytid(me)
      call pvmfparent(parent)
      call pvmfsetopt(PVMAUTOERR, 0, n)
      if (parent .gt. 0) then
         call child(me, parent)
         stop
      end if
      call pvmfsiblings(n, -1, m)
      call show('siblings from a shell', n)
      call pvmfsiblings(n, 0, m)
      print '(A,L2)', 'myself', m .eq. me
      call pvmfsiblings(n, 1, m)
      call show('no second', m)
      call pvmfspawn('no_such_program', PVMDEFAULT, '*', 2, tids, n)
      call show('spawn of nothing', n)
      call show(' because', tids(1))
      call show(' because', tids(2))
      call pvmfspawn('endings', PVMHOST, 'no-such-host ', 1, tids, n)
      call show('spawn nowhere', n)
      call show(' because', tids(1))
      call pvmfspawn('endings', PVMARCH, 'NOARCH ', 1, tids, n)
      call show('spawn on no machine', n)
      call show(' because', tids(1))
      call pvmfcatchout(1, n)
      call show('catchout', n)
c     A handler takes the messages with tag 30 of the children.
      call pvmfaddmhf(-1, 30, 0, 0, handle, id)
      print '(A,L2)', 'addmhf', id .ge. 0
      call pvmfaddmhf(-1, 30, 0, 0, handle, n)
      call show('addmhf again', n)
      call pvmfspawn('endings', PVMHOST, '.', 2, tids, n)
      call show('spawn', n)
      call pvmfnotify(PVMTASKEXIT, 40, 2, tids, n)
      call show('notify', n)
      call pvmfnotify(PVMTASKEXIT, 40, 0, tids, n)
      call show('notify of nobody', n)
      call pvmfnotify(17, 40, 1, tids, n)
      call show('notify of nothing', n)
      do 10 i = 1, 2
         call pvmfrecv(tids(i), 31, n)
         call pvmfunpack(INTEGER4, m, 1, 1, n)
         call show('number of siblings', m)
 10   continue
      call pvmfdelmhf(id, n)
      call show('delmhf', n)
      call pvmfdelmhf(id, n)
      call show('delmhf again', n)
      call pvmfsendsig(tids(1), 15, n)
      call show('sendsig', n)
      call pvmfrecv(-1, 40, n)
      call pvmfunpack(INTEGER4, m, 1, 1, n)
      print '(A,L2)', 'ended', m .eq. tids(1)
      call pvmfkill(tids(2), n)
      call show('kill', n)
      call pvmfrecv(-1, 40, n)
      call pvmfunpack(INTEGER4, m, 1, 1, n)
      print '(A,L2)', 'ended', m .eq. tids(2)
      call pvmfsleep(0)
      call pvmfexit(n)
      call show('exit', n)
      end

      subroutine child(me, parent)
      implicit none
      include 'fpvm3.h'
      integer me, parent, n, m, i, one
      call pvmfsiblings(n, -1, m)
      one = 0
      do 10 i = 0, n - 1
         call pvmfsiblings(n, i, m)
         if (m .eq. me) one = one + 1
 10   continue
      print '(A)', 'a child speaks'
      flush(6)
      call pvmfinitsend(PVMDEFAULT, i)
      call pvmfsend(parent, 30, i)
      call pvmfinitsend(PVMDEFAULT, i)
      n = n + 10*one
      call pvmfpack(INTEGER4, n, 1, 1, i)
      call pvmfsend(parent, 31, i)
      call pvmfrecv(-1, 99, i)
      end

      integer function handle(mid)
      integer, value :: mid
      print '(A,L2)', 'handled', mid .gt. 0
      handle = 0
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
