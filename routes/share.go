package routes

// Which clients are moved and which are compared is decided by a hash that is
// fixed for good: all replicas agree on it, and a restart or an upgrade moves
// nobody. It is FNV-1a over a salt and the client, with the finalizer of
// MurmurHash3 over it, because FNV alone spreads short keys badly over the high
// bits. A salt for each purpose and route makes the choices independent.

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// seed is the state of the hash after the salt.
func seed(salt string) uint64 {
	h := uint64(fnvOffset)
	for i := 0; i < len(salt); i++ {
		h = (h ^ uint64(salt[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime // a byte that no UTF-8 text has ends the salt
}

// place is the client's place in [0,1), the same wherever and whenever asked.
func place(seed uint64, client string) float64 {
	h := seed
	for i := 0; i < len(client); i++ {
		h = (h ^ uint64(client[i])) * fnvPrime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return float64(h>>11) / (1 << 53)
}
