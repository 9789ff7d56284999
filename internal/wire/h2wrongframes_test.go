package wire

import (
	"golang.org/x/net/http2"
)

func wrongFrames() []wrong {
	raw := func(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(*http2.Framer) error {
		return func(fr *http2.Framer) error { return fr.WriteRawFrame(kind, flags, id, []byte(payload)) }
	}
	window := func(id, amount uint32) func(*http2.Framer) error {
		return func(fr *http2.Framer) error { return fr.WriteWindowUpdate(id, amount) }
	}
	plain := func(c *h2, id uint32) error {
		c.next = max(c.next, id+2)
		return c.send(func(fr *http2.Framer) error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(request("GET", wrongPath)...), EndHeaders: true, EndStream: true})
		})
	}
	settings := func(s ...http2.Setting) func(*h2) {
		return frames(func(fr *http2.Framer) error { return fr.WriteSettings(s...) })
	}
	return []wrong{
		{"DATA on an idle stream, section 6.1", frames(func(fr *http2.Framer) error { return fr.WriteData(1, true, []byte("x")) }), "connection PROTOCOL_ERROR", false, ""},
		{"DATA on stream 0", frames(raw(http2.FrameData, 0, 0, "x")), "connection PROTOCOL_ERROR", false, ""},
		{"DATA on a stream that was answered", func(c *h2) {
			whole(c)
			_ = c.send(raw(http2.FrameData, 0, 1, "y"))
		}, "stream 1 STREAM_CLOSED", false, ""},
		{"HEADERS on stream 0", frames(raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0, "\x82")), "connection PROTOCOL_ERROR", false, ""},
		{"HEADERS on an even stream, section 5.1.1", func(c *h2) { _ = plain(c, 2) }, "connection PROTOCOL_ERROR", false, ""},
		{"a stream's id again", func(c *h2) { whole(c); _ = plain(c, 1) }, "connection PROTOCOL_ERROR", false, ""},
		{"an id lower than the last", func(c *h2) {
			c.next = 7
			whole(c)
			_ = plain(c, 5)
		}, "connection PROTOCOL_ERROR", false, ""},
		{"CONTINUATION without HEADERS, section 6.10", frames(raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, "\x82")), "connection PROTOCOL_ERROR", false, ""},
		{"another frame between HEADERS and CONTINUATION", frames(func(fr *http2.Framer) error {
			_ = fr.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte("\x82"))
			return fr.WritePing(false, [8]byte{})
		}), "connection PROTOCOL_ERROR", false, ""},
		{"CONTINUATION of another stream", frames(func(fr *http2.Framer) error {
			_ = fr.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte("\x82"))
			return fr.WriteRawFrame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 3, []byte("\x84"))
		}), "connection PROTOCOL_ERROR", false, ""},
		{"a frame over SETTINGS_MAX_FRAME_SIZE, section 4.2", func(c *h2) {
			over := make([]byte, c.limits[http2.SettingMaxFrameSize]+1)
			c.open(false, request("POST", wrongPath)...)
			_ = c.send(func(fr *http2.Framer) error { return fr.WriteRawFrame(http2.FrameData, 0, 1, over) })
		}, "connection FRAME_SIZE_ERROR", true, ""},
		{"padding as long as the frame, section 6.1", afterHead(raw(http2.FrameData, http2.FlagDataPadded, 1, "\x05xx")), "connection PROTOCOL_ERROR", true, ""},
		{"padded DATA without a length of padding", afterHead(raw(http2.FrameData, http2.FlagDataPadded, 1, "")), "closed", true, ""},
		{"padding as long as the head", frames(raw(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders, 1, "\x05\x82")), "stream 1 PROTOCOL_ERROR", false, ""},
		{"WINDOW_UPDATE of 0 on a stream, section 6.9", afterHead(window(1, 0)), "stream 1 PROTOCOL_ERROR", true, ""},
		{"WINDOW_UPDATE of 0 on the connection", frames(window(0, 0)), "connection PROTOCOL_ERROR", false, ""},
		{"a stream's window over 2^31-1, section 6.9.1", afterHead(window(1, 1<<31-1)), "stream 1 FLOW_CONTROL_ERROR", true, ""},
		{"the connection's window over 2^31-1", frames(window(0, 1<<31-1)), "connection FLOW_CONTROL_ERROR", false, ""},
		{"WINDOW_UPDATE on an idle stream, section 5.1", frames(window(9, 5)), "connection PROTOCOL_ERROR", false, ""},
		{"WINDOW_UPDATE of a wrong size", frames(raw(http2.FrameWindowUpdate, 0, 0, "abc")), "connection FRAME_SIZE_ERROR", false, ""},
		{"RST_STREAM on an idle stream, section 6.4", frames(func(fr *http2.Framer) error { return fr.WriteRSTStream(9, http2.ErrCodeCancel) }), "connection PROTOCOL_ERROR", false, ""},
		{"RST_STREAM on stream 0", frames(raw(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08")), "connection PROTOCOL_ERROR", false, ""},
		{"RST_STREAM of a wrong size", afterHead(raw(http2.FrameRSTStream, 0, 1, "\x00")), "connection FRAME_SIZE_ERROR", true, ""},
		{"SETTINGS on a stream, section 6.5", frames(raw(http2.FrameSettings, 0, 1, "")), "connection PROTOCOL_ERROR", false, ""},
		{"an acknowledgement of SETTINGS with settings in it", frames(raw(http2.FrameSettings, http2.FlagSettingsAck, 0, "abcdef")), "connection FRAME_SIZE_ERROR", false, ""},
		{"SETTINGS of a wrong size", frames(raw(http2.FrameSettings, 0, 0, "abc")), "connection FRAME_SIZE_ERROR", false, ""},
		{"SETTINGS_ENABLE_PUSH of 2", settings(http2.Setting{ID: http2.SettingEnablePush, Val: 2}), "connection PROTOCOL_ERROR", false, ""},
		{"SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1", settings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}), "connection FLOW_CONTROL_ERROR", false, ""},
		{"SETTINGS_MAX_FRAME_SIZE under 2^14", settings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 100}), "connection PROTOCOL_ERROR", false, ""},
		{"an acknowledgement of settings that nobody sent", frames(func(fr *http2.Framer) error { return fr.WriteSettingsAck() }), "connection PROTOCOL_ERROR", false, ""},
		{"PING on a stream, section 6.7", frames(raw(http2.FramePing, 0, 1, "12345678")), "connection PROTOCOL_ERROR", false, ""},
		{"PING of a wrong size", frames(raw(http2.FramePing, 0, 0, "1234")), "connection FRAME_SIZE_ERROR", false, ""},
		{"GOAWAY on a stream", frames(raw(http2.FrameGoAway, 0, 1, "\x00\x00\x00\x00\x00\x00\x00\x00")), "connection PROTOCOL_ERROR", false, ""},
		{"PRIORITY on stream 0", frames(raw(http2.FramePriority, 0, 0, "\x00\x00\x00\x01\x10")), "connection PROTOCOL_ERROR", false, ""},
		{"PRIORITY of a wrong size", afterHead(raw(http2.FramePriority, 0, 1, "\x00")), "connection FRAME_SIZE_ERROR", true, ""},
		{"a stream that depends on itself", frames(func(fr *http2.Framer) error {
			return fr.WritePriority(1, http2.PriorityParam{StreamDep: 1})
		}), "stream 1 PROTOCOL_ERROR", false, ""},
		{"HEADERS that depend on their own stream", func(c *h2) {
			_ = c.send(func(fr *http2.Framer) error {
				return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(request("GET", wrongPath)...), EndHeaders: true, EndStream: true,
					Priority: http2.PriorityParam{StreamDep: 1, Weight: 5}})
			})
		}, "stream 1 PROTOCOL_ERROR", false, ""},
		{"PUSH_PROMISE from a client, section 8.4", afterHead(raw(http2.FramePushPromise, http2.FlagPushPromiseEndHeaders, 1, "\x00\x00\x00\x02\x82")), "connection PROTOCOL_ERROR", true, ""},
		{"a frame of a kind that nobody knows is ignored, section 5.5", func(c *h2) {
			_ = c.send(raw(0xee, 0xff, 0, "anything"))
			_ = plain(c, 1)
		}, "200", true, ""},
		{"a setting that nobody knows is ignored, section 6.5.2", func(c *h2) {
			_ = c.send(func(fr *http2.Framer) error { return fr.WriteSettings(http2.Setting{ID: 0xfafa, Val: 1}) })
			_ = plain(c, 1)
		}, "200", true, ""},
		{"padded DATA and empty DATA are fine", func(c *h2) {
			id := c.open(false, request("POST", wrongPath)...)
			_ = c.send(func(fr *http2.Framer) error {
				_ = fr.WriteDataPadded(id, false, []byte("x"), make([]byte, 200))
				_ = fr.WriteData(id, false, nil)
				return fr.WriteDataPadded(id, true, nil, make([]byte, 10))
			})
		}, "200", true, ""},
		{"a head over many frames is fine", func(c *h2) {
			block := c.block(request("GET", wrongPath)...)
			c.next = 3
			_ = c.send(func(fr *http2.Framer) error {
				_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], EndStream: true})
				for _, b := range block[1 : len(block)-1] {
					_ = fr.WriteContinuation(1, false, []byte{b})
				}
				return fr.WriteContinuation(1, true, block[len(block)-1:])
			})
		}, "200", true, ""},
	}
}
