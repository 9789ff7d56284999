package handover

// Unlink ends the link, as the end of this process would, and returns how the
// new process ended.
func (s *Successor) Unlink() string {
	s.link.conn.Close()
	state, err := s.process.Wait()
	if err != nil {
		return err.Error()
	}
	return state.String()
}
