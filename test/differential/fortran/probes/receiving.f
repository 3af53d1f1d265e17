c     Buffers, the ways to receive, contexts, options.
      program rcving
      implicit none
      include 'fpvm3.h'
      integer me, n, m, mid, old, other, tids(3), ctx, first
      call pvmfmytid(me)
      call pvmfsetopt(PVMAUTOERR, 0, n)
      call show('autoerr was', n)
      call pvmfgetopt(PVMAUTOERR, n)
      call show('autoerr is', n)
      call pvmfgetopt(PVMROUTE, n)
      call show('route', n)
      call pvmfsetopt(PVMROUTE, PVMROUTEDIRECT, n)
      call show('route was', n)
      call pvmfsetopt(PVMROUTE, 17, n)
      call show('no such route', n)
      call pvmfgetopt(999, n)
      call show('no such option', n)
      call pvmfgetopt(PVMSHOWTIDS, n)
      call show('showtids', n)
      call pvmfgetsbuf(n)
      call show('sbuf', n)
      call pvmfgetrbuf(n)
      call show('rbuf', n)
      call pvmfsend(me, 1, n)
      call show('send of nothing', n)
      call pvmfmkbuf(PVMRAW, mid)
      print '(A,L2)', 'mkbuf', mid .gt. 0
      call pvmfsetsbuf(mid, n)
      call show('setsbuf', n)
      call pvmfgetsbuf(n)
      print '(A,L2)', 'getsbuf', n .eq. mid
      call pvmfpack(INTEGER4, 5, 1, 1, n)
      call show('pack', n)
      call pvmfsend(me, -4, n)
      call show('send, bad tag', n)
      call pvmfsend(0, 4, n)
      call show('send, bad tid', n)
      call pvmfsend(me, 4, n)
      call show('send', n)
      call pvmfprobe(-1, 5, n)
      call show('probe for another', n)
      call pvmfnrecv(me, 5, n)
      call show('nrecv of another', n)
      call pvmftrecv(-1, 5, 0, 1000, n)
      call show('trecv of another', n)
      call pvmftrecv(-1, 4, -1, 0, n)
      print '(A,L2)', 'trecv', n .gt. 0
      call pvmfunpack(INTEGER4, m, 1, 1, n)
      call show('value', m)
      call pvmfsetrbuf(0, old)
      print '(A,L2)', 'setrbuf', old .gt. 0
      call pvmffreebuf(old, n)
      call show('freebuf', n)
      call pvmffreebuf(old, n)
      call show('freebuf again', n)
      call pvmffreebuf(-3, n)
      call show('freebuf of -3', n)
      tids(1) = me
      tids(2) = me
      call pvmfmcast(2, tids, 6, n)
      call show('mcast to myself', n)
      call pvmfmcast(0, tids, 6, n)
      call show('mcast to nobody', n)
      call pvmfnrecv(-1, 6, n)
      print '(A,L2)', 'nrecv', n .gt. 0
      call pvmfbufinfo(12345, n, n, n, m)
      call show('bufinfo of none', m)
c     A message waits in its context.
      call pvmfgetcontext(first)
      call show('context', first)
      call pvmfnewcontext(ctx)
      print '(A,L2)', 'newcontext', ctx .gt. 0
      call pvmfinitsend(PVMDEFAULT, n)
      call pvmfsend(me, 7, n)
      call pvmfsetcontext(ctx, n)
      call show('setcontext', n)
      call pvmfnrecv(-1, 7, n)
      call show('in another context', n)
      call pvmfsetcontext(first, n)
      print '(A,L2)', 'setcontext back', n .eq. ctx
      call pvmftrecv(-1, 7, 5, 0, n)
      print '(A,L2)', 'in its context', n .gt. 0
      call pvmfperror('that was the last error  ', n)
      call show('perror', n)
      call pvmfparent(n)
      call show('parent', n)
      call pvmfexit(n)
      call show('exit', n)
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
