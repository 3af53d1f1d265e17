c     All types, with strides, in both encodings, to a child and back.
      program values
      implicit none
      include 'fpvm3.h'
      integer me, parent, child, n
      call pvmfmytid(me)
      call pvmfparent(parent)
      if (parent .gt. 0) then
         call echo(parent)
      else
         call pvmfspawn('values', PVMDEFAULT, '*', 1, child, n)
         print '(A,I4)', 'spawned', n
         call both(child, PVMDEFAULT)
         call both(child, PVMRAW)
         call place(child)
         call pvmfinitsend(PVMDEFAULT, n)
         call pvmfsend(child, 99, n)
      end if
      call pvmfexit(n)
      end

      subroutine echo(parent)
      implicit none
      include 'fpvm3.h'
      integer parent, n, mid, bytes, tag, tid, from, length
      integer whole(5)
 10   continue
      call pvmfrecv(parent, -1, mid)
      call pvmfbufinfo(mid, bytes, tag, tid, n)
      if (tag .eq. 99) return
      if (tag .eq. 2) then
         call pvmfunpack(INTEGER4, whole, 5, 1, n)
         call pvmfpsend(parent, 3, whole, 5, INTEGER4, n)
         call pvmfprecv(parent, 4, whole, 3, INTEGER4, from, tag,
     &                  length, n)
         call pvmfinitsend(PVMDEFAULT, n)
         call pvmfpack(INTEGER4, whole, 3, 1, n)
         call pvmfpack(INTEGER4, tag, 1, 1, n)
         call pvmfpack(INTEGER4, length, 1, 1, n)
         call pvmfsend(parent, 5, n)
      else
         call pvmfsetrbuf(0, mid)
         call pvmfsetsbuf(mid, n)
         if (n .gt. 0) call pvmffreebuf(n, n)
         call pvmfsend(parent, tag, n)
      end if
      goto 10
      end

      subroutine both(child, encdng)
      implicit none
      include 'fpvm3.h'
      integer child, encdng, n, i, mid, bytes, tag, tid
      character*14 text
      integer*1 byte(4)
      integer*2 short(6)
      integer*4 whole(6)
      integer*8 long(3)
      real*4 single(4)
      real*8 double(4)
      complex*8 pair(3)
      complex*16 dpair(3)
      text = 'some text'
      do 10 i = 1, 6
         short(i) = int(-10*i, 2)
         whole(i) = 100000*i
         if (i .le. 4) then
            byte(i) = int(i, 1)
            single(i) = 0.5*i
            double(i) = -0.25d0*i
         end if
         if (i .le. 3) then
            long(i) = i
            pair(i) = cmplx(i, -i)
            dpair(i) = dcmplx(2*i, 3*i)
         end if
 10   continue
      call pvmfinitsend(encdng, n)
      call pvmfpack(STRING, text, 12, 1, n)
      call show('string', n)
      call pvmfpack(BYTE1, byte, 2, 2, n)
      call show('byte', n)
      call pvmfpack(INTEGER2, short, 3, 2, n)
      call show('short', n)
      call pvmfpack(INTEGER4, whole, 2, 3, n)
      call show('whole', n)
      call pvmfpack(INTEGER8, long, 3, 1, n)
      call show('long', n)
      call pvmfpack(REAL4, single, 2, 2, n)
      call show('single', n)
      call pvmfpack(REAL8, double, 4, 1, n)
      call show('double', n)
      call pvmfpack(COMPLEX8, pair, 2, 2, n)
      call show('pair', n)
      call pvmfpack(COMPLEX16, dpair, 3, 1, n)
      call show('dpair', n)
      call pvmfpack(12, whole, 1, 1, n)
      call show('no type', n)
      call pvmfsend(child, 1, n)
      call show('send', n)
      text = 'xxxxxxxxxxxxxx'
      whole = 0
      short = 0
      long = 0
      byte = 0
      single = 0
      double = 0
      pair = 0
      dpair = 0
      call pvmfrecv(child, 1, mid)
      call pvmfbufinfo(mid, bytes, tag, tid, n)
      print '(A,I6,I4,L2)', 'message', bytes, tag, tid .eq. child
      call pvmfunpack(STRING, text, 12, 1, n)
      print '(3A,I4)', 'string ', text, '.', n
      call pvmfunpack(BYTE1, byte, 2, 3, n)
      print '(A,4I4,I4)', 'byte', byte, n
      call pvmfunpack(INTEGER2, short, 3, 1, n)
      print '(A,6I8,I4)', 'short', short, n
      call pvmfunpack(INTEGER4, whole, 2, 4, n)
      print '(A,6I8,I4)', 'whole', whole, n
      call pvmfunpack(INTEGER8, long, 3, 1, n)
      print '(A,3I8,I4)', 'long', long, n
      call pvmfunpack(REAL4, single, 2, 2, n)
      print '(A,4F8.3,I4)', 'single', single, n
      call pvmfunpack(REAL8, double, 4, 1, n)
      print '(A,4F8.3,I4)', 'double', double, n
      call pvmfunpack(COMPLEX8, pair, 2, 1, n)
      print '(A,6F8.3,I4)', 'pair', pair, n
      call pvmfunpack(COMPLEX16, dpair, 3, 1, n)
      print '(A,6F8.3,I4)', 'dpair', dpair, n
      call pvmfsetopt(PVMAUTOERR, 0, i)
      call pvmfunpack(INTEGER4, whole, 1, 1, n)
      call show('past the end', n)
      call pvmfsetopt(PVMAUTOERR, i, n)
      end

      subroutine place(child)
      implicit none
      include 'fpvm3.h'
      integer child, n, mid, whole(5), back(5), from, tag, length, i
      do 10 i = 1, 5
         whole(i) = 7*i
 10   continue
      call pvmfinitsend(PVMINPLACE, n)
      call pvmfpack(INTEGER4, whole, 5, 1, n)
      call show('in place', n)
      whole(5) = 36
      call pvmfsend(child, 2, n)
      call pvmfprecv(child, 3, back, 5, INTEGER4, from, tag, length, n)
      print '(A,5I4,L2,3I4)', 'precv', back, from .eq. child, tag,
     &      length, n
      call pvmfpsend(child, 4, back, 5, INTEGER4, n)
      call show('psend', n)
      call pvmfrecv(child, 5, mid)
      call pvmfunpack(INTEGER4, back, 5, 1, n)
      print '(A,5I4)', 'cut', back
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
