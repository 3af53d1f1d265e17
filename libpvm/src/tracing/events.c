/*
 * events.c: the events of the public functions: what they are called, what their records consist
 * of, and what the fields are called. Numbers and short names are PVM's; collectors go by them.
 */
#include <stddef.h>

#include "tev.h"

#define F(did, kind)	{ TEV_DID_##did, kind }
#define END		{ -1, 0 }
#define VALUES		{ { F(PDA, 'l'), F(PC, 'i'), F(PSD, 'i'), END }, { F(CC, 'i'), END } }
#define STRING		{ { F(PDA, 'l'), END }, { F(CC, 'i'), END } }

const struct pvmi_tev_form pvmi_tev_forms[TEV_MAX + 1] = {
	[TEV_PKBYTE] = VALUES, [TEV_UPKBYTE] = VALUES,
	[TEV_PKCPLX] = VALUES, [TEV_UPKCPLX] = VALUES,
	[TEV_PKDCPLX] = VALUES, [TEV_UPKDCPLX] = VALUES,
	[TEV_PKDOUBLE] = VALUES, [TEV_UPKDOUBLE] = VALUES,
	[TEV_PKFLOAT] = VALUES, [TEV_UPKFLOAT] = VALUES,
	[TEV_PKINT] = VALUES, [TEV_UPKINT] = VALUES,
	[TEV_PKUINT] = VALUES, [TEV_UPKUINT] = VALUES,
	[TEV_PKLONG] = VALUES, [TEV_UPKLONG] = VALUES,
	[TEV_PKULONG] = VALUES, [TEV_UPKULONG] = VALUES,
	[TEV_PKSHORT] = VALUES, [TEV_UPKSHORT] = VALUES,
	[TEV_PKUSHORT] = VALUES, [TEV_UPKUSHORT] = VALUES,
	[TEV_PKSTR] = STRING, [TEV_UPKSTR] = STRING,
	[TEV_ADDHOSTS] = { { F(HNL, 'S'), END }, { F(CC, 'i'), END } },
	[TEV_ARCHCODE] = { { F(AN, 's'), END }, { F(AC, 'i'), END } },
	[TEV_BARRIER] = { { F(GN, 's'), F(GBC, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_BCAST] = { { F(GN, 's'), F(MC, 'i'), END }, { F(CC, 'i'), F(MDL, 'I'), END } },
	[TEV_BUFINFO] = { { F(MB, 'i'), END }, { F(CC, 'i'), F(INB, 'i'), F(IMC, 'i'), F(IST, 'i'), END } },
	[TEV_CONFIG] = { { END }, { F(NH, 'i'), F(NA, 'i'), F(CC, 'i'), END } },
	[TEV_DELETE] = { { F(CN, 's'), F(CI, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_DELHOSTS] = { { F(HNL, 'S'), END }, { F(CC, 'i'), END } },
	[TEV_FREEBUF] = { { F(MB, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_GATHER] = { { F(GN, 's'), F(MC, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_GETFDS] = { { END }, { F(CC, 'i'), F(FDS, 'I'), END } },
	[TEV_GETINST] = { { F(GN, 's'), F(GT, 'i'), END }, { F(GI, 'i'), END } },
	[TEV_GETMBOXINFO] = { { F(CN, 's'), END }, { F(CC, 'i'), END } },
	[TEV_GETMINFO] = { { F(MB, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_GETOPT] = { { F(OPT, 'i'), END }, { F(OPV, 'i'), END } },
	[TEV_GETRBUF] = { { END }, { F(MRB, 'i'), END } },
	[TEV_GETSBUF] = { { END }, { F(MSB, 'i'), END } },
	[TEV_GETTID] = { { F(GN, 's'), F(GI, 'i'), END }, { F(GT, 'i'), END } },
	[TEV_GSIZE] = { { F(GN, 's'), END }, { F(GS, 'i'), END } },
	[TEV_HALT] = { { END }, { F(CC, 'i'), END } },
	[TEV_INITSEND] = { { F(ME, 'i'), END }, { F(MSB, 'i'), END } },
	[TEV_INSERT] = { { F(CN, 's'), F(CI, 'i'), F(CD, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_JOINGROUP] = { { F(GN, 's'), END }, { F(CC, 'i'), END } },
	[TEV_KILL] = { { F(TT, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_LOOKUP] = { { F(CN, 's'), F(CI, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_LVGROUP] = { { F(GN, 's'), END }, { F(CC, 'i'), END } },
	[TEV_MCAST] = { { F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(MDL, 'I'), END }, { F(CC, 'i'), END } },
	[TEV_MKBUF] = { { F(ME, 'i'), END }, { F(MB, 'i'), END } },
	[TEV_MSTAT] = { { F(HN, 's'), END }, { F(HS, 'i'), END } },
	[TEV_MYTID] = { { END }, { F(MT, 'i'), END } },
	[TEV_NOTIFY] = { { F(NE, 'i'), F(NMC, 'i'), F(NTL, 'I'), END }, { F(CC, 'i'), END } },
	[TEV_NRECV] = {
		{ F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), END },
		{ F(MB, 'i'), F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(SRC, 'i'), END },
	},
	[TEV_PARENT] = { { END }, { F(PT, 'i'), END } },
	[TEV_PROBE] = { { F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_PSTAT] = { { F(TT, 'i'), END }, { F(TST, 'i'), END } },
	[TEV_RECV] = {
		{ F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), END },
		{ F(MB, 'i'), F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(SRC, 'i'), END },
	},
	[TEV_RECVF] = { { END }, { END } },
	[TEV_REDUCE] = { { F(GN, 's'), F(MC, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_REG_HOSTER] = { { END }, { F(CC, 'i'), END } },
	[TEV_REG_RM] = { { END }, { F(CC, 'i'), END } },
	[TEV_REG_TASKER] = { { END }, { F(CC, 'i'), END } },
	[TEV_REG_TRACER] = {
		{ F(TRC, 'i'), F(TRT, 'i'), F(TRX, 'i'), F(TRO, 'i'), F(TRM, 's'), F(TRB, 'i'), F(TRL, 'i'), END },
		{ F(CC, 'i'), END },
	},
	[TEV_SCATTER] = { { F(GN, 's'), F(MC, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_SEND] = { { F(MNB, 'i'), F(DST, 'i'), F(MC, 'i'), F(MCX, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_SENDSIG] = { { F(TT, 'i'), F(SN, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_SETMINFO] = { { F(MB, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_SETOPT] = { { F(OPT, 'i'), F(OPV, 'i'), END }, { F(OPV, 'i'), END } },
	[TEV_SETRBUF] = { { F(MB, 'i'), END }, { F(MRB, 'i'), END } },
	[TEV_SETSBUF] = { { F(MB, 'i'), END }, { F(MSB, 'i'), END } },
	[TEV_SPAWN] = { { F(SE, 's'), F(SW, 's'), F(SF, 'i'), F(SC, 'i'), END }, { F(CC, 'i'), F(STL, 'I'), END } },
	[TEV_START_PVMD] = { { F(BF, 'i'), F(AS, 'S'), END }, { F(CC, 'i'), END } },
	[TEV_TASKS] = { { F(TW, 'i'), END }, { F(CC, 'i'), F(TNT, 'i'), END } },
	[TEV_TICKLE] = { { F(TA, 'I'), END }, { F(CC, 'i'), F(TR, 'I'), END } },
	[TEV_TRECV] = {
		{ F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), F(MTS, 'i'), F(MTU, 'i'), END },
		{ F(MB, 'i'), F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(SRC, 'i'), END },
	},
	[TEV_PACKF] = { { F(PF, 's'), END }, { F(CC, 'i'), END } },
	[TEV_PRECV] = {
		{ F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), F(PDA, 'l'), F(PC, 'i'), F(PDT, 'i'), END },
		{ F(CC, 'i'), F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(SRC, 'i'), END },
	},
	[TEV_PSEND] = {
		{ F(DST, 'i'), F(MC, 'i'), F(MCX, 'i'), F(PDA, 'l'), F(PC, 'i'), F(PDT, 'i'), END },
		{ F(CC, 'i'), END },
	},
	[TEV_UNPACKF] = { { F(PF, 's'), END }, { F(CC, 'i'), END } },
	[TEV_PUTINFO] = { { F(CN, 's'), F(CI, 'i'), F(CF, 'i'), F(CD, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_GETINFO] = { { F(CN, 's'), F(CI, 'i'), F(CF, 'i'), END }, { F(CC, 'i'), F(CR, 'i'), END } },
	[TEV_DELINFO] = { { F(CN, 's'), F(CI, 'i'), F(CF, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_NEWCONTEXT] = { { END }, { F(CXN, 'i'), END } },
	[TEV_FREECONTEXT] = { { F(CXF, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_SETCONTEXT] = { { F(CXS, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_GETCONTEXT] = { { END }, { F(CXC, 'i'), END } },
	[TEV_SIBLINGS] = { { END }, { F(SIB, 'I'), END } },
	[TEV_ADDMHF] = { { F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), END }, { F(MHI, 'i'), END } },
	[TEV_DELMHF] = { { F(MHI, 'i'), END }, { F(CC, 'i'), END } },
	[TEV_MHF_INVOKE] = {
		{ F(RST, 'i'), F(RMC, 'i'), F(RCX, 'i'), F(MB, 'i'), F(MNB, 'i'), F(MC, 'i'), F(MCX, 'i'), F(SRC, 'i'), END },
		{ END },
	},
};

#pragma GCC visibility push(default)

#define N(text)		{ .name = text },

struct Pvmtevinfo pvmtevinfo[TEV_MAX + 1] = {
	N("addhosts") N("barrier") N("bcast") N("bufinfo") N("config") N("delete") N("delhosts") N("exit")
	N("freebuf") N("getfds") N("getinst") N("getopt") N("getrbuf") N("getsbuf") N("gettid") N("gsize") N("halt")
	N("initsend") N("insert") N("joingroup") N("kill") N("lookup") N("lvgroup") N("mcast") N("mkbuf") N("mstat")
	N("mytid") N("notify") N("nrecv") N("parent") N("perror") N("pkbyte") N("pkcplx") N("pkdcplx") N("pkdouble")
	N("pkfloat") N("pkint") N("pkuint") N("pklong") N("pkulong") N("pkshort") N("pkushort") N("pkstr")
	N("probe") N("pstat") N("recv") N("recvf") N("send") N("sendsig") N("setopt") N("setrbuf") N("setsbuf")
	N("spawn") N("start_pvmd") N("tasks") N("tickle") N("tidtohost") N("trecv") N("upkbyte") N("upkcplx")
	N("upkdcplx") N("upkdouble") N("upkfloat") N("upkint") N("upkuint") N("upklong") N("upkulong") N("upkshort")
	N("upkushort") N("upkstr") N("version") N("reg_hoster") N("reg_rm") N("reg_tasker") N("reg_tracer")
	N("newtask") N("endtask") N("spntask") N("archcode") N("catchout") N("getmwid") N("gettmask") N("hostsync")
	N("packf") N("precv") N("psend") N("reduce") N("setmwid") N("settmask") N("unpackf") N("gather")
	N("scatter") N("putinfo") N("getinfo") N("delinfo") N("getmboxinfo") N("newcontext") N("freecontext")
	N("setcontext") N("getcontext") N("siblings") N("getminfo") N("setminfo") N("addmhf") N("delmhf")
	N("mhf_invoke") N("timing") N("profiling") N("user_defined")
};

#define FIELD(name, meaning) { name, meaning },
struct Pvmtevdid pvmtevdidlist[TEV_DID_MAX + 1] = {
#include "fields.def"
};

#pragma GCC visibility pop
