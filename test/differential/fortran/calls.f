c     Every routine of the Fortran library, with plain arguments and
c     with odd ones; recorder.c tells what reaches the C library.
      program calls
      implicit none
      include 'fpvm3.h'
      call buffrs
      call packng
      call tasks
      call hosts
      call lists
      call groups
      call mboxes
      call texts
      end

      subroutine buffrs
      implicit none
      include 'fpvm3.h'
      integer n, a, b, c, values(3)
      call pvmfmytid(n)
      call say('mytid', n)
      call pvmfparent(n)
      call say('parent', n)
      call pvmfinitsend(PVMRAW, n)
      call say('initsend', n)
      call pvmfmkbuf(PVMDEFAULT, n)
      call say('mkbuf', n)
      call pvmffreebuf(7, n)
      call say('freebuf', n)
      call pvmfgetsbuf(n)
      call say('getsbuf', n)
      call pvmfgetrbuf(n)
      call say('getrbuf', n)
      call pvmfsetsbuf(3, n)
      call say('setsbuf', n)
      call pvmfsetrbuf(4, n)
      call say('setrbuf', n)
      call pvmfbufinfo(9, a, b, c, n)
      call say('bufinfo', n)
      call say(' bytes', a)
      call say(' tag', b)
      call say(' tid', c)
      call pvmfsend(262146, 5, n)
      call say('send', n)
      values(1) = 262146
      values(2) = 262147
      call pvmfmcast(2, values, 6, n)
      call say('mcast', n)
      call pvmfrecv(-1, 7, n)
      call say('recv', n)
      call pvmfnrecv(262146, -1, n)
      call say('nrecv', n)
      call pvmfprobe(-1, -1, n)
      call say('probe', n)
      call pvmftrecv(-1, 2, 3, 4, n)
      call say('trecv', n)
      call pvmftrecv(-1, 2, 0, 0, n)
      call say('trecv, no time', n)
      call pvmftrecv(-1, 2, -1, 0, n)
      call say('trecv, seconds < 0', n)
      call pvmftrecv(-1, 2, 1, -1, n)
      call say('trecv, usec < 0', n)
      values(1) = 17
      call pvmfpsend(262146, 8, values, 3, INTEGER4, n)
      call say('psend', n)
      call pvmfprecv(-1, 8, values, 3, INTEGER4, a, b, c, n)
      call say('precv', n)
      call say(' value', values(1))
      call say(' from', a)
      call say(' tag', b)
      call say(' length', c)
      call pvmfsetopt(PVMROUTE, PVMROUTEDIRECT, n)
      call say('setopt', n)
      call pvmfgetopt(PVMFRAGSIZE, n)
      call say('getopt', n)
      call pvmfnewcontext(n)
      call say('newcontext', n)
      call pvmfgetcontext(n)
      call say('getcontext', n)
      call pvmfsetcontext(5, n)
      call say('setcontext', n)
      end

      subroutine packng
      implicit none
      include 'fpvm3.h'
      integer n, i
      character*12 text
      integer*1 byte
      integer*2 short
      integer*4 whole
      integer*8 long
      real*4 real
      real*8 double
      complex*8 cmplx4
      complex*16 cmplx8
      data text /'some text'/
      byte = 1
      short = 2
      whole = 3
      long = 4
      real = 5
      double = 6
      cmplx4 = (7.0, 8.0)
      cmplx8 = (9.0d0, 10.0d0)
      call pvmfpack(STRING, text, 9, 1, n)
      call say('pack string', n)
      call pvmfpack(STRING, 'row 5', 5, 2, n)
      call say('pack string, stride', n)
      call pvmfpack(BYTE1, byte, 1, 2, n)
      call say('pack byte', n)
      call pvmfpack(INTEGER2, short, 3, 4, n)
      call say('pack integer2', n)
      call pvmfpack(INTEGER4, whole, 5, 6, n)
      call say('pack integer4', n)
      call pvmfpack(INTEGER8, long, 7, 8, n)
      call say('pack integer8', n)
      call pvmfpack(REAL4, real, 9, 10, n)
      call say('pack real4', n)
      call pvmfpack(REAL8, double, 11, 12, n)
      call say('pack real8', n)
      call pvmfpack(COMPLEX8, cmplx4, 13, 14, n)
      call say('pack complex8', n)
      call pvmfpack(COMPLEX16, cmplx8, 15, 16, n)
      call say('pack complex16', n)
      do 10 i = 9, 13
         call pvmfpack(i, whole, 1, 1, n)
         call say('pack of another type', n)
 10   continue
      call pvmfpack(-1, whole, 1, 1, n)
      call say('pack of type -1', n)
      text = 'xxxxxxxxxxxx'
      call pvmfunpack(STRING, text, 9, 1, n)
      call say('unpack string', n)
      call pvmfunpack(BYTE1, byte, 1, 2, n)
      call say('unpack byte', n)
      i = byte
      call say(' it', i)
      call pvmfunpack(INTEGER2, short, 3, 4, n)
      call say('unpack integer2', n)
      i = short
      call say(' it', i)
      call pvmfunpack(INTEGER4, whole, 5, 6, n)
      call say('unpack integer4', n)
      call say(' it', whole)
      call pvmfunpack(INTEGER8, long, 7, 8, n)
      call say('unpack integer8', n)
      call pvmfunpack(REAL4, real, 9, 10, n)
      call say('unpack real4', n)
      call pvmfunpack(REAL8, double, 11, 12, n)
      call say('unpack real8', n)
      call pvmfunpack(COMPLEX8, cmplx4, 13, 14, n)
      call say('unpack complex8', n)
      i = int(10*aimag(cmplx4))
      call say(' it', i)
      call pvmfunpack(COMPLEX16, cmplx8, 15, 16, n)
      call say('unpack complex16', n)
      i = int(10*dimag(cmplx8))
      call say(' it', i)
      do 20 i = 9, 13
         call pvmfunpack(i, whole, 1, 1, n)
         call say('unpack of another type', n)
 20   continue
      call pvmfunpack(-1, whole, 1, 1, n)
      call say('unpack of type -1', n)
      end

      subroutine tasks
      implicit none
      include 'fpvm3.h'
      integer handle
      external handle
      integer n, m, tids(4)
      character*20 name
      character*600 long
      call pvmfspawn('worker', PVMDEFAULT, '*', 2, tids, n)
      call say('spawn', n)
      call say(' last tid', tids(2))
      name = 'padded'
      call pvmfspawn(name, PVMHOST, 'node3   ', 1, tids, n)
      call say('spawn, padded', n)
      call pvmfspawn(name, PVMARCH+PVMHOSTCOMPL, '*x', 1, tids, n)
      call say('spawn, *x', n)
      call pvmfspawn(name, PVMDEFAULT, '* ', 1, tids, n)
      call say('spawn, * blank', n)
      call pvmfspawn(name, PVMDEFAULT, ' ', 1, tids, n)
      call say('spawn, blank', n)
      call pvmfspawn(name, PVMDEFAULT, '', 1, tids, n)
      call say('spawn, empty', n)
      call pvmfspawn(' ', PVMDEFAULT, '*', 1, tids, n)
      call say('spawn of nothing', n)
      call pvmfspawn(' leading', PVMDEFAULT, ' *', 1, tids, n)
      call say('spawn, leading blank', n)
      long = 'short in a long variable'
      call pvmfspawn(long, PVMDEFAULT, '*', 1, tids, n)
      call say('spawn, long variable', n)
      long(200:200) = 'x'
      call pvmfspawn(long, PVMDEFAULT, '*', 1, tids, n)
      call say('spawn, 200 long', n)
      call pvmfspawn(name, PVMDEFAULT, long(1:300), 1, tids, n)
      call say('spawn, where 200 long', n)
      call pvmfkill(262146, n)
      call say('kill', n)
      call pvmfsendsig(262146, 9, n)
      call say('sendsig', n)
      call pvmfpstat(262146, n)
      call say('pstat', n)
      call pvmftidtohost(262146, n)
      call say('tidtohost', n)
      tids(1) = 262146
      call pvmfnotify(PVMTASKEXIT, 9, 1, tids, n)
      call say('notify', n)
      call pvmfcatchout(1, n)
      call say('catchout 1', n)
      call pvmfcatchout(0, n)
      call say('catchout 0', n)
      call pvmfcatchout(-1, n)
      call say('catchout -1', n)
      call pvmfaddmhf(-1, 2, 3, 0, handle, n)
      call say('addmhf', n)
      call pvmfdelmhf(4, n)
      call say('delmhf', n)
      call pvmfsleep(0)
      call pvmfsiblings(n, -1, m)
      call say('siblings', n)
      m = 55
      call pvmfsiblings(n, 0, m)
      call say(' first', m)
      call pvmfsiblings(n, 2, m)
      call say(' last', m)
      m = 56
      call pvmfsiblings(n, 3, m)
      call say(' beyond', m)
      call say(' number', n)
      m = 57
      call pvmfsiblings(n, -2, m)
      call say(' before', m)
      call say(' number', n)
      call pvmfexit(n)
      call say('exit', n)
      end

      integer function handle(mid)
      integer, value :: mid
      call say(' handler called', mid)
      handle = 7
      end

      subroutine hosts
      implicit none
      include 'fpvm3.h'
      integer n, a, b, c, d
      character*40 name
      call pvmfaddhost('good', n)
      call say('addhost', n)
      name = 'bad'
      call pvmfaddhost(name, n)
      call say('addhost, bad', n)
      call pvmfdelhost('good', n)
      call say('delhost', n)
      call pvmfdelhost(name, n)
      call say('delhost, bad', n)
      call pvmfmstat(name, n)
      call say('mstat', n)
      call pvmfarchcode('LINUX64 ', n)
      call say('archcode', n)
      call pvmfhostsync(262144, a, b, c, d, n)
      call say('hostsync', n)
      call say(' seconds', a)
      call say(' usec', b)
      call say(' delta', c)
      call say(' delta usec', d)
      call pvmfhalt(n)
      call say('halt', n)
      call pvmfstartpvmd('-d41 /u/hosts', 1, n)
      call say('startpvmd', n)
      call pvmfstartpvmd('  a   b  ', 0, n)
      call say('startpvmd, blanks', n)
      call pvmfstartpvmd(' ', 0, n)
      call say('startpvmd, nothing', n)
      call pvmfstartpvmd('', 0, n)
      call say('startpvmd, empty', n)
      end

      subroutine lists
      implicit none
      include 'fpvm3.h'
      integer n, a, b, c, d, e, i
      character*12 name, arch
      do 10 i = 1, 4
         call pvmfconfig(a, b, c, name, arch, d, n)
         call say('config', n)
         call say(' hosts', a)
         call say(' architectures', b)
         call say(' tid', c)
         call says(' name', name)
         call says(' arch', arch)
         call say(' speed', d)
 10   continue
c     -1 begins anew in the middle of a round.
      call pvmfconfig(a, b, c, name, arch, d, n)
      a = -1
      call pvmfconfig(a, b, c, name, arch, d, n)
      call say('config from the start', n)
      call say(' hosts', a)
      call says(' name', name)
      call pvmfconfig(a, b, c, name, arch, d, n)
      call recorder_fail(1)
      a = 77
      name = 'unchanged'
      call pvmfconfig(a, b, c, name, arch, d, n)
      call say('config fails', n)
      call say(' hosts', a)
      call says(' name', name)
      call pvmfconfig(a, b, c, name, arch, d, n)
      call say('config again', n)
      call says(' name', name)
      do 20 i = 1, 5
         call pvmftasks(0, a, b, c, d, e, name, n)
         call say('tasks', n)
         call say(' number', a)
         call say(' tid', b)
         call say(' parent', c)
         call say(' host', d)
         call say(' flag', e)
         call says(' program', name)
 20   continue
      a = -1
      call pvmftasks(0, a, b, c, d, e, name, n)
      call say('tasks from the start', n)
      call says(' program', name)
      call pvmftasks(9, a, b, c, d, e, name, n)
      call say('tasks of another place', n)
      call pvmftasks(9, a, b, c, d, e, name, n)
      call recorder_fail(1)
      a = 78
      b = 79
      name = 'unchanged'
      call pvmftasks(3, a, b, c, d, e, name, n)
      call say('tasks fail', n)
      call say(' number', a)
      call say(' tid', b)
      call says(' program', name)
      call pvmftasks(0, a, b, c, d, e, name, n)
      call say('tasks again', n)
      end

      subroutine groups
      implicit none
      include 'fpvm3.h'
      external PvmMax, PvmMin, PvmSum, PvmProduct, mine
      integer n, i, a(3), b(3)
      character*10 group
      group = 'workers'
      a(1) = 71
      b(1) = 0
      call pvmfjoingroup(group, n)
      call say('joingroup', n)
      call pvmflvgroup(group, n)
      call say('lvgroup', n)
      call pvmfgsize(group, n)
      call say('gsize', n)
      call pvmfgetinst(group, 262146, n)
      call say('getinst', n)
      call pvmfgettid(group, 2, n)
      call say('gettid', n)
      call pvmfbarrier(group, 3, n)
      call say('barrier', n)
      call pvmfbcast(group, 4, n)
      call say('bcast', n)
      call pvmffreezegroup(group, 5, n)
      call say('freezegroup', n)
      call pvmfreduce(PvmMax, a, 1, INTEGER4, 6, group, 0, n)
      call say('reduce max', n)
      call pvmfreduce(PvmMin, a, 2, INTEGER4, 6, group, 0, n)
      call say('reduce min', n)
      call pvmfreduce(PvmSum, a, 3, REAL8, 6, group, 1, n)
      call say('reduce sum', n)
      call pvmfreduce(PvmProduct, a, 4, COMPLEX16, 6, group, 2, n)
      call say('reduce product', n)
      call pvmfreduce(mine, a, 5, INTEGER4, 6, group, 3, n)
      call say('reduce mine', n)
      call say(' info', a(1))
      call pvmfscatter(b, a, 3, INTEGER4, 7, group, 1, n)
      call say('scatter', n)
      call say(' result', b(1))
      b(1) = 0
      call pvmfgather(b, a, 3, INTEGER4, 8, group, 2, n)
      call say('gather', n)
      call say(' result', b(1))
      a(1) = 3
      b(1) = 4
      i = 1
      call PvmMax(INTEGER4, a, b, i, n)
      call say('PvmMax', n)
      call PvmMin(INTEGER4, a, b, i, n)
      call say('PvmMin', n)
      call PvmSum(INTEGER4, a, b, i, n)
      call say('PvmSum', n)
      call PvmProduct(INTEGER4, a, b, i, n)
      call say('PvmProduct', n)
      end

      subroutine mine(type, x, y, number, info)
      integer type, x(*), y(*), number, info
      call say(' mine', type)
      call say('  y', y(1))
      x(1) = x(1) + y(1)
      info = 0
      end

      subroutine mboxes
      implicit none
      include 'fpvm3.h'
      integer n, a, b, c(2), d(2), e(2)
      character*16 name, it
      name = 'a class'
      call pvmfputinfo(name, 3, PVMMBOXPERSISTENT, n)
      call say('putinfo', n)
      call pvmfrecvinfo(name, 4, PVMMBOXFIRSTAVAIL, n)
      call say('recvinfo', n)
      call pvmfdelinfo(name, 5, PVMMBOXDEFAULT, n)
      call say('delinfo', n)
c     The first class of a list, with all of its entries.
      a = -1
      it = 'unchanged'
      call pvmfgetmboxinfo('* ', it, a, b, c, d, e, n)
      call says('getmboxinfo', it)
      call say(' entries', b)
      call say(' index', c(1))
      call say(' owner', d(1))
      call say(' flags', e(1))
      call recorder_fail(1)
      a = -1
      call pvmfgetmboxinfo('* ', it, a, b, c, d, e, n)
      call say('getmboxinfo fails', n)
      a = -1
      call pvmfgetmboxinfo('none', it, a, b, c, d, e, n)
      call say('getmboxinfo finds nothing', n)
      end

      subroutine texts
      implicit none
      integer n
      character*20 text
      text = 'what happened'
      call pvmfperror(text, n)
      call say('perror', n)
      call pvmfperror(' ', n)
      call say('perror, blank', n)
      call pvmfperror('', n)
      call say('perror, empty', n)
      end
