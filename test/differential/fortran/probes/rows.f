c     Hosts and tasks, a row a call.
      program rows
      implicit none
      include 'fpvm3.h'
      integer me, n, hosts, arches, tid, speed, parent, host, flag
      integer i, number, self, a, b, c, d
      character*24 name
      character*10 arch
      call pvmfmytid(me)
      call pvmfsetopt(PVMAUTOERR, 0, n)
      hosts = -1
      do 10 i = 1, 3
         call pvmfconfig(hosts, arches, tid, name, arch, speed, n)
         print '(A,5I8,1X,2A)', 'config', n, hosts, arches, tid, speed,
     &         arch, '.'
         self = tid
 10   continue
      call pvmfmstat(name, n)
      call show('mstat', n)
      call pvmfmstat('no-such-host', n)
      call show('mstat of none', n)
      call pvmfmstat(' ', n)
      call show('mstat of a blank', n)
      call pvmfarchcode('LINUX64', n)
      print '(A,L2)', 'archcode', n .gt. 0
      call pvmfarchcode('NO_SUCH_ARCH', n)
      print '(A,I8)', 'archcode of none', n
      call pvmftidtohost(me, n)
      print '(A,L2)', 'tidtohost', n .eq. self
      call pvmfhostsync(self, a, b, c, d, n)
      print '(A,I4,3L2)', 'hostsync', n, a .gt. 1000000000,
     &      b .ge. 0 .and. b .lt. 1000000, c .le. 1 .and. c .ge. -1
      number = -1
      do 20 i = 1, 2
         call pvmftasks(me, number, tid, parent, host, flag, name, n)
         print '(A,6I8,L2,2A)', 'tasks', n, number, parent, host - self,
     &      flag, len_trim(name), tid .eq. me, ' ', name
 20   continue
      number = -1
      call pvmftasks(self, number, tid, parent, host, flag, name, n)
      print '(A,L2)', 'tasks of this host', n .eq. 1
      call pvmfpstat(me, n)
      call show('pstat', n)
      call pvmfpstat(262144 + 4000, n)
      call show('pstat of none', n)
      call pvmfpstat(0, n)
      call show('pstat of 0', n)
      call pvmfexit(n)
      end

      subroutine show(what, n)
      character*(*) what
      integer n
      print '(2A,I8)', what, ' =', n
      end
